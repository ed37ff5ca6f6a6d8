"""Reference pages made from the code. A page asks for one by `{generated} name`."""
