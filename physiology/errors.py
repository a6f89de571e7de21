"""The one error for bad input: a single line that names the quantity, the value and the mend."""


class InputError(ValueError):
    """Bad input from a person or a file; the console turns it into one line and exit status 2.

    Parameters
    ----------
    message : str
        One line naming the quantity, the value, the bound and what to do about it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))
