"""What evaluation knows of each environment, one file each."""

from .library import environment_of, subject_of, subject_of_task

__all__ = ["environment_of", "subject_of", "subject_of_task"]
