/* vboard-attach HOST:PORT: keeps a virtual board attached to this Linux machine's vhci_hcd. A USB/IP
 * connection cannot survive that the device leaves the bus, so the board is imported again whenever it
 * is back (`usbip attach` does it once only). One line for each change; ends on a signal. */
#include "board/parse.h"
#include "run/output.h"
#include "usbip/protocol.h"
#include "vboard.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define VHCI "/sys/devices/platform/vhci_hcd.0/"
/* Linux drivers/usb/usbip/usbip_common.h, enum usbip_device_status */
enum { VDEV_ST_NULL = 4 };
enum { ASK_MS = 20, ASK_SLOWLY_MS = 200, FAST_ASKS = 500, ANSWER_MS = 5000 };

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("vboard-attach: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}

/* Says it unless it was the last thing said. */
static void say(const char *what)
{
    static char last[128];
    struct timespec t = {0, 0};
    if (strcmp(last, what) == 0)
        return;
    (void)snprintf(last, sizeof last, "%s", what);
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    (void)printf("vboard-attach: %lld.%03ld %s\n", (long long)t.tv_sec, t.tv_nsec / 1000000, what);
    (void)fflush(stdout);
}

static void sleep_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL); /* a signal may end it early */
}

/* ---- vhci_hcd ----------------------------------------------------------------------------- */

static void check_vhci(void)
{
    if (access(VHCI "status", F_OK) != 0)
        die("the kernel module vhci-hcd is not loaded: sudo modprobe vhci-hcd");
    if (access(VHCI "attach", W_OK) != 0)
        die("only root may attach USB devices: sudo vboard-attach …");
}

/* The state of port `port`, or with -1 the number of a free port for full speed; -1: none. */
static int look_up_port(int port)
{
    char text[8192];
    int fd = open(VHCI "status", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    /* "hub port sta spd dev sockfd local_busid", then a line like "hs  0000 004 000 …" for each port */
    for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
        char *end;
        bool full_speed = strncmp(line + 1, "hs", 2) == 0;
        if (!full_speed && strncmp(line + 1, "ss", 2) != 0)
            continue;
        long number = strtol(line + 3, &end, 10), state = strtol(end, NULL, 10);
        if (port >= 0 && number == port)
            return (int)state;
        if (port < 0 && full_speed && state == VDEV_ST_NULL)
            return (int)number;
    }
    return -1;
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t size = strlen(text);
    ssize_t n = write(fd, text, size);
    int why = errno;
    (void)close(fd);
    errno = why;
    return n == (ssize_t)size;
}

/* Hands the connection to the kernel. Returns the port, or -1: to be tried again. */
static int attach(int fd, const uint8_t *record)
{
    unsigned device = usbip_get32(record + DEV_BUS_NUMBER) << 16 | usbip_get32(record + DEV_NUMBER);
    char text[64];
    int port = look_up_port(-1);
    if (port < 0) {
        say("all ports of vhci_hcd are in use");
        return -1;
    }
    (void)snprintf(text, sizeof text, "%d %d %u %u", port, fd, device, usbip_get32(record + DEV_SPEED));
    if (write_file(VHCI "attach", text))
        return port;
    if (errno != EBUSY) /* somebody else was faster */
        die("the kernel refuses the device: %s", strerror(errno));
    return -1;
}

/* ---- the server --------------------------------------------------------------------------- */

static bool receive(int fd, uint8_t *to, size_t size)
{
    while (size > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, ANSWER_MS) <= 0)
            return false;
        ssize_t n = recv(fd, to, size, 0);
        if (n <= 0)
            return false;
        to += n;
        size -= (size_t)n;
    }
    return true;
}

static void set_option(int fd, int level, int name)
{
    const int on = 1;
    (void)setsockopt(fd, level, name, &on, sizeof on); /* improvements only */
}

/* Connected to one of the addresses (localhost may be ::1 and 127.0.0.1), or -1. */
static int connect_any(const struct addrinfo *at)
{
    for (; at; at = at->ai_next) {
        int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        if (connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
            set_option(fd, IPPROTO_TCP, TCP_NODELAY);
            set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
            return fd;
        }
        (void)close(fd);
    }
    return -1;
}

/* A connection over which the device was imported, its record in `record`; -1: not now. */
static int import_device(const struct addrinfo *at, uint8_t record[DEV_SIZE])
{
    uint8_t request[OP_SIZE + USBIP_BUS_ID_SIZE] = {0}, reply[OP_SIZE];
    usbip_put16(request, USBIP_VERSION);
    usbip_put16(request + 2, OP_REQ_IMPORT);
    memcpy(request + OP_SIZE, "1-1", sizeof "1-1");
    int fd = connect_any(at);
    if (fd < 0) {
        say("waiting: nobody serves USB/IP there");
        return -1;
    }
    if (send(fd, request, sizeof request, MSG_NOSIGNAL) != sizeof request ||
        !receive(fd, reply, sizeof reply) || usbip_get16(reply + 2) != OP_REP_IMPORT) {
        say("waiting: the server gives no answer");
    } else if (usbip_get32(reply + 4) != 0) {
        say(usbip_get32(reply + 4) == OP_STATUS_BUSY ? "waiting: somebody else has the board attached"
                                                     : "waiting: the board is not on USB");
    } else if (receive(fd, record, DEV_SIZE)) {
        return fd;
    }
    (void)close(fd);
    return -1;
}

static void detach(int port)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", port);
    if (!write_file(VHCI "detach", text))
        die("cannot detach port %d: %s", port, strerror(errno));
}

/* Or until we are stopped. Signals come in ppoll only: one that came just before it would not end it. */
static void wait_for_hangup(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    sigset_t ends, mask;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, &mask); /* none of these can fail */
    while (!stopped && ppoll(&p, 1, NULL, &mask) < 0 && errno == EINTR)
        ;
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* Until the server hangs up and the kernel has freed the port, or we are stopped. */
static void stay_attached(int fd, int port)
{
    /* The kernel has its own reference to the connection; ours only shows that it is closed. */
    wait_for_hangup(fd);
    (void)close(fd);
    if (stopped)
        detach(port);
    while (!stopped && look_up_port(port) != VDEV_ST_NULL)
        sleep_ms(5);
}

/* ---- the command line --------------------------------------------------------------------- */

/* The addresses of HOST:PORT, which is taken apart. */
static struct addrinfo *resolve(char *host)
{
    char *colon = strrchr(host, ':');
    if (!colon || colon == host || !colon[1])
        die("'%s' is not HOST:PORT; vboard-attach --help tells more", host);
    *colon = 0;
    if (host[0] == '[' && colon[-1] == ']') { /* [::1]:3240 */
        host++;
        colon[-1] = 0;
    }
    uint64_t number; /* getaddrinfo would take 65537 for 1 */
    if (!parse_number(colon + 1, UINT16_MAX, &number) || number == 0)
        die("port %s is not a number from 1 to 65535", colon + 1);
    char service[8];
    (void)snprintf(service, sizeof service, "%u", (unsigned)number);
    struct addrinfo *at, hints = {.ai_socktype = SOCK_STREAM};
    int why = getaddrinfo(host, service, &hints, &at);
    if (why)
        die("%s port %s: %s", host, service, gai_strerror(why));
    return at;
}

/* Attaches the board, and stays until it has left. False: not now. */
static bool attach_once(const struct addrinfo *at)
{
    uint8_t record[DEV_SIZE];
    int fd = import_device(at, record);
    int port = fd < 0 ? -1 : attach(fd, record);
    if (port < 0) {
        if (fd >= 0)
            (void)close(fd);
        return false;
    }
    char text[64];
    (void)snprintf(text, sizeof text, "attached %04x:%04x at port %d", usbip_get16(record + DEV_VENDOR),
                   usbip_get16(record + DEV_VENDOR + 2), port);
    say(text);
    stay_attached(fd, port);
    say(stopped ? "detached" : "the board left the bus");
    return true;
}

int main(int argc, char **argv)
{
    const char *word = argc == 2 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        (void)fputs("usage: vboard-attach HOST:PORT\n"
                    "Keeps the virtual board at HOST:PORT (vboard --usbip) attached to this machine.\n\n"
                    "  --help, --version\n",
                    stdout);
        return output_end("vboard-attach", 0);
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("vboard-attach (sureboot) %s\n", VBOARD_VERSION);
        return output_end("vboard-attach", 0);
    }
    if (argc != 2)
        die("say HOST:PORT; vboard-attach --help tells more");
    struct addrinfo *at = resolve(argv[1]);
    check_vhci();
    struct sigaction action = {.sa_handler = stop};
    if (sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0)
        die("sigaction: %s", strerror(errno));

    for (unsigned asks = 0; !stopped;) {
        if (attach_once(at)) {
            asks = 0;
        } else {
            sleep_ms(asks < FAST_ASKS ? ASK_MS : ASK_SLOWLY_MS);
            asks++;
        }
    }
    freeaddrinfo(at);
    return 0;
}
