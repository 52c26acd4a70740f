"""What every estimator shares: its parameters are the arguments of its constructor, and nothing else."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from glmwidgets.glm.choices import meant
from glmwidgets.glm.errors import InputError

Self = TypeVar("Self", bound="Estimator")


class Estimator:
    """Mixin that reads the parameters of an estimator off the signature of its constructor.

    The constructor stores each argument, unchanged, under its own name. What is learnt by ``fit`` has a name that ends
    with an underscore. These are scikit-learn's conventions, so that its ``clone`` and its searches take such a class
    as one of their own; scikit-learn itself is not needed.

    Examples
    --------
    >>> class Model(Estimator):
    ...     def __init__(self, width=1.0, name=None):
    ...         self._keep(locals())
    >>> Model(name="a").set_params(width=2.0)
    Model(width=2.0, name='a')
    >>> Model().get_params()
    {'width': 1.0, 'name': None}
    """

    #: What ``fit`` takes, in words.
    fitted_to: ClassVar[str] = "data"

    #: An attribute that ``fit`` sets last.
    learnt: ClassVar[str] = "masker_"

    __signature__: ClassVar[inspect.Signature] = inspect.Signature()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Before Python 3.11 a class is taken to be called as its __new__ is, and help would tell of no argument.
        signature = inspect.signature(cls.__init__)
        cls.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    def __new__(cls, *_args: Any, **named: Any) -> Self:
        """Refuse an argument that there is not, with the name that was probably meant."""
        known = cls.__signature__.parameters
        unknown = [name for name in named if name not in known]
        if unknown and not any(each.kind is each.VAR_KEYWORD for each in known.values()):
            advice = meant(unknown[0], known)
            raise TypeError(f"{cls.__name__} has no argument {unknown[0]!r}" + (f"; {advice}" if advice else ""))
        return super().__new__(cls)

    def _keep(self, given: Mapping[str, Any]) -> None:
        """Store the arguments of the constructor, its ``locals()``, under their own names."""
        vars(self).update({name: value for name, value in given.items() if name not in ("self", "__class__")})

    @classmethod
    def _parameters(cls) -> dict[str, Any]:
        """Names of the parameters and their defaults, in the order of the signature."""
        signature = inspect.signature(cls.__init__)
        return {name: p.default for name, p in signature.parameters.items() if name != "self"}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool
            Include the parameters of parameters that are estimators, as ``<parameter>__<name>``.

        Returns
        -------
        dict
            Values by name.
        """
        params = {name: getattr(self, name) for name in self._parameters()}
        if deep:
            for name, value in list(params.items()):
                if hasattr(value, "get_params") and not isinstance(value, type):
                    params.update({f"{name}__{key}": inner for key, inner in value.get_params().items()})
        return params

    def set_params(self: Self, **params: Any) -> Self:
        """Set some of the parameters.

        Parameters
        ----------
        **params
            Values by name; ``<parameter>__<name>`` sets one of a parameter that is itself an estimator.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no parameter of a name; nothing is set then.
        """
        known = self._parameters()
        unknown = sorted(name for name in params if name.partition("__")[0] not in known)
        if unknown:
            raise ValueError(
                f"{type(self).__name__} has no parameter {', '.join(map(repr, unknown))}; it has {', '.join(known)}"
            )
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            own, _, inner = name.partition("__")
            if inner:
                nested.setdefault(own, {})[inner] = value
            else:
                setattr(self, own, value)
        for own, values in nested.items():
            getattr(self, own).set_params(**values)
        return self

    def check_fitted(self) -> None:
        """Refuse an estimator that has not been fitted.

        Raises
        ------
        NotFittedError
        """
        if not hasattr(self, self.learnt):
            raise NotFittedError(f"this model has not been fitted yet: call fit with {self.fitted_to} first")

    # What scikit-learn asks of an estimator, where it is installed.

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, self.learnt)

    def __sklearn_tags__(self) -> Any:
        # Asked for by scikit-learn alone, which then is there.
        utils = sys.modules["sklearn.utils"]
        takes = utils.InputTags(two_d_array=False)
        return utils.Tags(estimator_type=None, target_tags=utils.TargetTags(required=False), input_tags=takes)

    def get_metadata_routing(self) -> Any:
        """Refused: what goes with the data is given to ``fit`` and ``transform`` by name.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(
            f"{type(self).__name__} routes no metadata: give events, confounds and masks of scans to fit or transform"
        )

    def set_output(self, *, transform: str | None = None) -> Any:
        """Refused but for arrays: series are arrays, maps are images.

        Raises
        ------
        NotImplementedError
        """
        if transform in (None, "default"):
            return self
        raise NotImplementedError(f"{type(self).__name__} gives arrays and images, and no {transform!r}")

    def __repr__(self) -> str:
        changed = [
            f"{name}={getattr(self, name)!r}"
            for name, default in self._parameters().items()
            if not is_default(getattr(self, name), default)
        ]
        return f"{type(self).__name__}({', '.join(changed)})"


def is_default(value: Any, default: Any) -> bool:
    """Whether a parameter is what it is where nobody gives it."""
    # Types first: 0 and False are equal in Python and different scalings; an array compares element by element.
    return value is default or (type(value) is type(default) and bool(value == default))


class NotFittedError(InputError, AttributeError):
    """What needs a fit was asked of an estimator that has none."""
