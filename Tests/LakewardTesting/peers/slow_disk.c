// A disk that is slow to sync: preloaded into a program, it lets every fsync and fdatasync wait for
// LAKEWARD_SLOW_SYNC_MS milliseconds, and writes a byte to the file LAKEWARD_SLOW_SYNC_COUNT for each.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void) {
  const char *text = getenv("LAKEWARD_SLOW_SYNC_MS");
  long milliseconds = text ? atol(text) : 0;
  struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
  const char *path = getenv("LAKEWARD_SLOW_SYNC_COUNT");
  int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (file >= 0) {
    (void)!write(file, ".", 1);
    close(file);
  }
}

int fsync(int file) {
  wait_for_disk();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
  wait_for_disk();
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
