/* Stands for a hole in a parser: loaded before libclamav, it does on a marked message what injected code would do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char* what, int got)
{
    dprintf(2, "hostile: %s %s\n", got ? "got" : "refused", what);
}

static void reach_out(void)
{
    char octet;
    int fd = open("/etc/shadow", O_RDONLY);
    report("/etc/shadow", fd >= 0 && read(fd, &octet, 1) == 1);
    fd = open("/etc/passwd", O_RDONLY);
    report("/etc/passwd", fd >= 0 && read(fd, &octet, 1) == 1);
    report("internet socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    report("unix socket", socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    const pid_t child = fork();
    if (child == 0) {
        execl("/bin/true", "true", (char*)0);
        _exit(1);
    }
    int status = 1;
    report("program", child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

void* cl_fmap_open_memory(const void* octets, size_t size)
{
    void* (*real)(const void*, size_t) = (void* (*)(const void*, size_t))dlsym(RTLD_NEXT, "cl_fmap_open_memory");
    if (memmem(octets, size, "HOSTILE-CRASH", 13) != NULL)
        *(volatile int*)0 = 1;
    while (memmem(octets, size, "HOSTILE-HANG", 12) != NULL)
        usleep(10000);
    if (memmem(octets, size, "HOSTILE-REACH", 13) != NULL)
        reach_out();
    return real(octets, size);
}
