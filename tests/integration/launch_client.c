/* A service that launches its own sidecar, through the C ABI, for tests.
 *
 *   shmconf_launch_client DIR MODE [FLAG OF shmconf run ...]      name "web"; DIR may be ""
 *
 * Prints "ok VALUE" (of key "k") or "error CODE TEXT", then does as MODE says until it is killed:
 *   hold     nothing
 *   fork     has a child, "child PID", that does nothing
 *   close    at SIGUSR1 closes the reader and a copy of it, then prints "closed"
 *   reap     has had a SIGCHLD handler all the time, which reaps every child; prints "reaped N"
 *   ignore   has ignored SIGCHLD all the time
 *   socket   has had a listening socket that any child inherits; prints "socket INODE" */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shmconf/c.h"

static volatile sig_atomic_t reaped = 0;
static volatile sig_atomic_t asked = 0;

static void reap_all(int number) {
  const int before = errno;
  (void)number;
  while (waitpid(-1, NULL, WNOHANG) > 0) ++reaped;
  errno = before;
}

static void note(int number) {
  (void)number;
  asked = 1;
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(number, &action, NULL);
}

static void open_socket(void) {
  struct sockaddr_in address;
  struct stat info;
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, sizeof address) != 0 || listen(fd, 1) != 0) perror("socket");
  fstat(fd, &info);
  printf("socket %lu\n", (unsigned long)info.st_ino);
}

int main(int argc, char** argv) {
  shmconf_launch_options options = SHMCONF_LAUNCH_OPTIONS_INIT;
  shmconf_reader* reader = NULL;
  shmconf_reader* copy = NULL;
  const char* value = NULL;
  const char* mode;
  size_t bytes = 0;
  shmconf_code code;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 3) return 2;
  mode = argv[2];
  if (strcmp(mode, "reap") == 0) handle(SIGCHLD, reap_all);
  if (strcmp(mode, "ignore") == 0) handle(SIGCHLD, SIG_IGN);
  if (strcmp(mode, "close") == 0) handle(SIGUSR1, note);
  if (strcmp(mode, "socket") == 0) open_socket();

  options.directory = argv[1];
  options.arguments = (const char* const*)(argv + 3);
  code = shmconf_launch("web", &options, &reader);
  if (code == SHMCONF_OK) code = shmconf_get(reader, "k", SHMCONF_NUL_TERMINATED, &value, &bytes);
  if (code == SHMCONF_OK && strcmp(mode, "fork") == 0) {
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    printf("child %ld\n", (long)child);
  }
  if (code != SHMCONF_OK) {
    printf("error %d %s\n", (int)code, shmconf_last_error());
  } else {
    printf("ok %.*s\n", (int)bytes, value);
  }
  if (strcmp(mode, "reap") == 0) printf("reaped %d\n", (int)reaped);
  for (;;) {
    /* Looks now and then: a signal just before pause() would be slept through. */
    struct timespec pause_time = {0, 20 * 1000 * 1000};
    nanosleep(&pause_time, NULL);
    if (!asked) continue;
    asked = 0;
    code = shmconf_copy(reader, &copy);
    shmconf_close(reader);
    shmconf_close(copy);
    printf("closed\n");
  }
}
