"""Feature flags as data, behind OpenFeature's interface: on, off, or on for a share of people."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from qol.serve.serve_file import Flag


class Flags(AbstractProvider):
    """The flags of `serve.yaml`; a keyed hash of flag and user id decides who is in a share, so that a person stays in it."""

    def __init__(self, flags: Mapping[str, Flag], key: bytes) -> None:
        super().__init__()
        self._flags = flags
        self._key = hmac.digest(key, b"flags", hashlib.sha256)

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return Metadata("qol-serve-file")

    def is_on(self, name: str, user_id: str) -> bool:
        """Whether a flag is on for a person; False for a flag that the file does not have."""
        if name not in self._flags:
            return False
        return self.resolve_boolean_details(
            name, default_value=False, evaluation_context=EvaluationContext(user_id)
        ).value

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Whether a flag is on for the context's targeting key; FlagNotFoundError for an unknown flag."""
        flag = self._flags.get(flag_key)
        if flag is None:
            raise FlagNotFoundError(flag_key)
        if not flag.on or flag.percent in (0, 100):
            return FlagResolutionDetails(flag.on and flag.percent > 0, reason=Reason.STATIC)
        who = evaluation_context.targeting_key if evaluation_context else None
        if who is None:
            return FlagResolutionDetails(default_value, reason=Reason.DEFAULT)
        digest = hmac.digest(self._key, f"{flag_key}:{who}".encode(), hashlib.sha256)
        share = int.from_bytes(digest[:8], "big") * 100 >> 64
        return FlagResolutionDetails(share < flag.percent, reason=Reason.SPLIT)

    def resolve_string_details(self, flag_key: str, default_value: str, evaluation_context: Any = None) -> Any:  # noqa: ARG002
        """No flag has a text."""
        raise FlagNotFoundError(flag_key)

    def resolve_integer_details(self, flag_key: str, default_value: int, evaluation_context: Any = None) -> Any:  # noqa: ARG002
        """No flag has a number."""
        raise FlagNotFoundError(flag_key)

    def resolve_float_details(self, flag_key: str, default_value: float, evaluation_context: Any = None) -> Any:  # noqa: ARG002
        """No flag has a number."""
        raise FlagNotFoundError(flag_key)

    def resolve_object_details(self, flag_key: str, default_value: Any, evaluation_context: Any = None) -> Any:  # noqa: ARG002
        """No flag has an object."""
        raise FlagNotFoundError(flag_key)
