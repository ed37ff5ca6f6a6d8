"""The raw-SQL idiom beneath the models: statements, arrays, COPY, pipelines, cursors, triggers."""
