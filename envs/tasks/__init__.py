"""One small file per environment: data that composes a Task."""
