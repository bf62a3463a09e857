"""The main job as a program: it drives a running server over HTTP, as real clients would."""
