"""What is asked: every setting of a run, of several and of a group, in frozen trees that JSON can hold."""
