"""One client in, many servers out: the pipeline every call goes through."""
