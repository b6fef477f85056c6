"""The text of an answer that is being decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mlx_lm.generate import TextStateMachine

if TYPE_CHECKING:
    from collections.abc import Sequence

Ended = Literal["stop", "length"]


class AnswerText:
    """The text of one answer, built token by token; text that may begin a stop string is held back.

    :param stop: strings that end the answer and are not part of it.

    :ivar tokens: the tokens so far, without the end-of-turn token.
    :ivar text: the text so far, up to the first stop string.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()) -> None:
        self.tokens: list[int] = []
        self.text = ""
        self._ends = set(tokenizer.eos_token_ids)
        self._detokenizer = tokenizer.detokenizer
        self._state = TextStateMachine({"normal": [(text, None) for text in stop]}).make_state()

    def add(self, token: int, reason: str | None) -> tuple[str, Ended | None]:
        """Add a token; return the text that may be shown after it, and why the answer ends with it, if it does.

        :param reason: why mlx-lm ended the sequence, if it did.
        """
        text = ""
        if token in self._ends:
            reason = "stop"
        else:
            self.tokens.append(token)
            self._detokenizer.add_token(token)
            text = self._detokenizer.last_segment
        if reason is not None:
            self._detokenizer.finalize()
            text += self._detokenizer.last_segment
        self._state, shown, state = TextStateMachine.step(self._state, text)
        if state is not None and reason is not None:
            self._state, rest, _ = TextStateMachine.flush(self._state)
            shown += rest
        self.text += shown
        if state is None or reason == "stop":
            return shown, "stop"
        return shown, None if reason is None else "length"
