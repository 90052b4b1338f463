// Placeholder so that the room exists; the first real file replaces it.
