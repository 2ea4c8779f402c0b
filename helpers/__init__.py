"""The tested code of the course: one topic a folder or module, imports downward only."""
