"""The error that a person is meant to read: one paragraph that says what is wrong and what to do."""


class CourseError(Exception):
    """Its message is shown as it stands, without a traceback."""
