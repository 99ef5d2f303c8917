// The ceiling for the echo path: the smallest C program that does what pooled-echo's echo mode does on
// one thread. Multishot accept, multishot receive into a provided-buffer ring, one send at a time per
// connection (so bytes never reorder), buffers recycled when their send completes.
// With --epoll it is the same server over epoll: what a user has today.
// It handles neither back-pressure nor shutdown: it is a yardstick, not a server.
//
//   cc -O2 -o echo_reference echo_reference.c -luring        (liburing >= 2.3, kernel >= 6.1)
//   ./echo_reference PORT [--epoll]          says when it listens; SIGTERM or SIGINT prints its CPU time as JSON
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536, BUFFER_COUNT = 128, CONNECTIONS_MAX = 65536 };
enum operation { ACCEPT = 1, RECEIVE, SEND };

struct pending { unsigned short buffer; unsigned length; };
struct connection {
    unsigned head, tail;
    int sending, receiving, closing;
    struct pending queue[BUFFER_COUNT];  // holds every buffer there is, so it cannot overflow
};

static struct io_uring ring;
static struct io_uring_buf_ring *provided;
static char *slab;
static struct connection connections[CONNECTIONS_MAX];
static volatile sig_atomic_t stopping;

static void on_signal(int number) { (void)number; stopping = 1; }

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets inherit it; without it a reply in two sends waits 40 ms for an ACK.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (void *)&address, sizeof address) || listen(fd, 4096)) { perror("listen"); exit(1); }
    return fd;
}

static unsigned long long tag(enum operation operation, int fd, unsigned buffer) {
    return (unsigned long long)operation << 56 | (unsigned long long)buffer << 32 | (unsigned)fd;
}

static struct io_uring_sqe *next_sqe(void) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (!sqe) { io_uring_submit(&ring); sqe = io_uring_get_sqe(&ring); }
    return sqe;
}

static void receive(int fd) {
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT | IOSQE_FIXED_FILE;
    sqe->buf_group = 0;
    sqe->user_data = tag(RECEIVE, fd, 0);
    connections[fd].receiving = 1;
}

static void send_next(int fd) {
    struct connection *c = &connections[fd];
    if (c->sending || c->head == c->tail) return;
    struct pending *p = &c->queue[c->head % BUFFER_COUNT];
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_send(sqe, fd, slab + (size_t)p->buffer * BUFFER_SIZE, p->length, MSG_WAITALL | MSG_NOSIGNAL);
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->user_data = tag(SEND, fd, p->buffer);
    c->sending = 1;
}

static void finish(int fd) {
    struct connection *c = &connections[fd];
    if (!c->closing || c->sending || c->head != c->tail || c->receiving) return;
    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_close_direct(sqe, fd);
    sqe->user_data = 0;
    memset(c, 0, sizeof *c);
}

static void run_ring(int listener) {
    struct io_uring_params parameters = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                                  IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE,
                                         .cq_entries = 16384};
    int result = io_uring_queue_init_params(1024, &ring, &parameters);
    if (result) { fprintf(stderr, "io_uring_queue_init: %s\n", strerror(-result)); exit(1); }
    io_uring_register_ring_fd(&ring);
    if (io_uring_register_files_sparse(&ring, CONNECTIONS_MAX / 4)) exit(1);

    slab = mmap(NULL, (size_t)BUFFER_COUNT * BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    provided = mmap(NULL, BUFFER_COUNT * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct io_uring_buf_reg registration = {.ring_addr = (unsigned long)provided, .ring_entries = BUFFER_COUNT, .bgid = 0};
    if (io_uring_register_buf_ring(&ring, &registration, 0)) { perror("buf_ring"); exit(1); }
    io_uring_buf_ring_init(provided);
    int mask = io_uring_buf_ring_mask(BUFFER_COUNT);
    for (int i = 0; i < BUFFER_COUNT; i++)
        io_uring_buf_ring_add(provided, slab + (size_t)i * BUFFER_SIZE, BUFFER_SIZE, i, mask, i);
    io_uring_buf_ring_advance(provided, BUFFER_COUNT);

    struct io_uring_sqe *sqe = next_sqe();
    io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0);
    sqe->user_data = tag(ACCEPT, 0, 0);

    while (!stopping) {
        io_uring_submit_and_wait(&ring, 1);
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        int recycled = 0;
        io_uring_for_each_cqe(&ring, head, cqe) {
            seen++;
            int fd = (int)(cqe->user_data & 0xffffffff);
            unsigned buffer = cqe->user_data >> 32 & 0xffff;
            struct connection *c = &connections[fd];
            switch ((enum operation)(cqe->user_data >> 56)) {
            case ACCEPT:
                if (cqe->res >= 0) receive(cqe->res);
                break;
            case RECEIVE:
                if (!(cqe->flags & IORING_CQE_F_MORE)) c->receiving = 0;
                if (cqe->res > 0) {
                    c->queue[c->tail++ % BUFFER_COUNT] = (struct pending){cqe->flags >> IORING_CQE_BUFFER_SHIFT, cqe->res};
                    send_next(fd);
                    if (!c->receiving) receive(fd);
                } else if (cqe->res == -ENOBUFS) {
                    receive(fd);
                } else {
                    c->closing = 1;
                    finish(fd);
                }
                break;
            case SEND:
                io_uring_buf_ring_add(provided, slab + (size_t)buffer * BUFFER_SIZE, BUFFER_SIZE, buffer, mask, recycled++);
                c->sending = 0;
                c->head++;
                send_next(fd);
                finish(fd);
                break;
            }
        }
        if (recycled) io_uring_buf_ring_advance(provided, recycled);
        io_uring_cq_advance(&ring, seen);
    }
}

static void run_epoll(int listener) {
    int epoll = epoll_create1(0);
    struct epoll_event interest = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &interest);
    char *buffer = malloc(BUFFER_SIZE);
    while (!stopping) {
        int count = epoll_wait(epoll, events, 512, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                interest = (struct epoll_event){.events = EPOLLIN, .data.fd = accepted};
                epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &interest);
                continue;
            }
            ssize_t length = recv(fd, buffer, BUFFER_SIZE, 0);
            if (length < 0 && errno == EAGAIN) continue;
            if (length <= 0) { close(fd); continue; }
            for (ssize_t sent = 0; sent < length;) {
                ssize_t n = send(fd, buffer + sent, length - sent, MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN) break;
                if (n > 0) sent += n;
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: echo_reference PORT [--epoll]\n"); return 2; }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int listener = listen_on(atoi(argv[1]));
    printf("listening on 127.0.0.1:%s\n", argv[1]);
    fflush(stdout);
    if (argc > 2 && !strcmp(argv[2], "--epoll")) run_epoll(listener); else run_ring(listener);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"user_seconds\": %.6f, \"system_seconds\": %.6f}\n", usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6,
           usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6);
    return 0;
}
