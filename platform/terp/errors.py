"""The one error that a person sees."""


class TerpError(Exception):
    """What is wrong, where, and what would be right; the command line prints it without a traceback.

    `hint` says what to do next. `exit_code` is 2 for bad input (nothing was changed), else 1.
    """

    def __init__(self, message: str, *, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message
