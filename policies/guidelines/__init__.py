"""Guidelines and trial arms as step tables, one YAML file each."""
