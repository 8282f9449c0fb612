"""Errors that whoever runs OpenCircle can mend: said in one line, without a traceback."""


class OperatorError(Exception):
    """Something is not as it must be; each kind's own docstring is the sentence that is shown."""

    def __str__(self) -> str:
        """Give the sentence, and the particulars after it."""
        sentence = (type(self).__doc__ or "").strip()
        return " ".join([sentence, *(str(one) for one in self.args)])
