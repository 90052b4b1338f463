// Placeholder so that the target exists; the first real file replaces it.
