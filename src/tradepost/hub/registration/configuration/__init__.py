"""The registry as a file: what there is, told without secrets, and brought to another hub or back to this one."""
