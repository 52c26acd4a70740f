"""Where work that outlives a session is done: a store by content, workers of this machine, other schedulers.

`work_through` does a list of `Task`s in lanes: a lane is one worker with one task in hand. The same tasks give the same
files whether the lanes are processes of this machine, workers of Dask, or elements of a job array.
"""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "executors": "lanes_of",
    "lanes": "HereLane Lane LocalLane work_through",
    "n_workers": "local_width",
    "store": "Store",
    "task": "Outcome Task task_of",
    "time_left": "Pace",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
