"""One model per file, named after its paper; ``load_model`` finds them by name."""
