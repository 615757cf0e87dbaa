/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/mem.h"

enum { WAITING_MAX = 65536, PIECE_BYTES = 65536, LINE_MAX_BYTES = 16 << 20 };

/* A line on its way to the disk, then its result on its way back. */
struct entry {
    struct list node;
    int64_t tag;
    int err;
    bool truncate; /* no line: empty the file */
    char *line;    /* with newline */
    size_t bytes;
};

struct spool {
    int fd;
    char *dir;
    int64_t bytes;             /* the writing thread's: whole lines in the file */
    int broken;                /* the writing thread's: the first error of the disk */
    int64_t read_at, read_end; /* what an earlier life left */
    struct buf piece;          /* read, and not yet given */
    size_t given;              /* of `piece` */
    struct mailbox in, out;
    struct loop_wake wake;
    pthread_t thread;
    spool_safe_fn on_safe;
    void *ctx;
};

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    mem_free(e->line);
    mem_free(e);
}

static int open_at(const char *dir, const char *name, int flags)
{
    struct buf path;
    int fd;

    buf_init(&path, 4096);
    int err = buf_addf(&path, "%s/%s", dir, name);
    fd = err ? err : open(path.data, flags | O_CLOEXEC, 0600);
    if (!err && fd < 0)
        fd = -errno;
    buf_fini(&path);
    return fd;
}

/* ---- the writing thread ---- */

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t did = write(fd, p, n);
        if (did < 0 && errno == EINTR)
            continue;
        if (did < 0)
            return -errno;
        p += did;
        n -= (size_t)did;
    }
    return 0;
}

static int empty(struct spool *s)
{
    if (ftruncate(s->fd, 0) != 0)
        return -errno;
    s->bytes = 0;
    return 0;
}

static int append(struct spool *s, const struct entry *e)
{
    if (s->bytes + (int64_t)e->bytes > SPOOL_MAX_BYTES)
        return ERR_FULL;
    int err = write_all(s->fd, e->line, e->bytes);
    if (!err)
        s->bytes += (int64_t)e->bytes;
    else if (ftruncate(s->fd, s->bytes) != 0) /* half a line would swallow the next one */
        s->broken = -errno;
    return err;
}

/* Many lines, one fsync. */
static void carry_out(struct spool *s, struct list *batch)
{
    for (struct list *n = batch->next; n != batch; n = n->next) {
        struct entry *e = container_of(n, struct entry, node);
        e->err = s->broken ? s->broken : e->truncate ? empty(s) : append(s, e);
    }
    if (!s->broken && fsync(s->fd) != 0)
        s->broken = -errno;
}

static void *run(void *arg)
{
    struct spool *s = arg;
    struct list batch, *n;

    list_init(&batch);
    while (mailbox_wait(&s->in, -1) == 1) {
        (void)mailbox_take_all(&s->in, &batch);
        carry_out(s, &batch);
        while ((n = list_pop(&batch)) != NULL) {
            struct entry *e = container_of(n, struct entry, node);
            if (!e->err)
                e->err = s->broken;
            if (e->truncate || mailbox_post(&s->out, &e->node) != 0)
                entry_free(e);
        }
    }
    return NULL;
}

/* ---- opening ---- */

static void ring(void *ctx)
{
    struct spool *s = ctx;

    loop_wake_send(&s->wake);
}

static void on_wake(struct loop_wake *w)
{
    struct spool *s = container_of(w, struct spool, wake);
    struct list ready, *n;

    list_init(&ready);
    (void)mailbox_take_all(&s->out, &ready);
    while ((n = list_pop(&ready)) != NULL) {
        struct entry *e = container_of(n, struct entry, node);
        int64_t tag = e->tag;
        int err = e->err;
        entry_free(e);
        s->on_safe(s->ctx, tag, err);
    }
}

/* Where the last whole line ends. */
static int find_end(int fd, int64_t size, int64_t *ret)
{
    char piece[4096];

    while (size) {
        int64_t from = size > (int64_t)sizeof piece ? size - (int64_t)sizeof piece : 0;
        ssize_t n = pread(fd, piece, (size_t)(size - from), from);
        if (n != (ssize_t)(size - from))
            return n < 0 ? -errno : ERR_IO;
        const char *last = memrchr(piece, '\n', (size_t)n);
        if (last) {
            *ret = from + (last - piece) + 1;
            return 0;
        }
        size = from;
    }
    *ret = 0;
    return 0;
}

static int cut_torn_line(struct spool *s)
{
    struct stat st;

    if (fstat(s->fd, &st) != 0)
        return -errno;
    int err = find_end(s->fd, st.st_size, &s->bytes);
    if (!err && s->bytes < st.st_size && ftruncate(s->fd, s->bytes) != 0)
        err = -errno;
    s->read_end = s->bytes;
    return err;
}

/* A file that was just made is only there for good when its directory says so. */
static int sync_dir(const char *dir)
{
    int fd = open_at(dir, ".", O_RDONLY | O_DIRECTORY);
    int err = fd < 0 ? fd : fsync(fd) == 0 ? 0 : -errno;

    if (fd >= 0)
        (void)close(fd);
    return err;
}

static int open_file(struct spool *s, const char *dir)
{
    s->dir = mem_strdup(dir);
    s->fd = s->dir ? open_at(dir, "spool.jsonl", O_RDWR | O_CREAT | O_APPEND) : -ENOMEM;
    int err = s->fd < 0 ? s->fd : cut_torn_line(s);
    return err ? err : sync_dir(dir);
}

static int open_boxes(struct spool *s, struct loop *loop)
{
    int err = mailbox_init(&s->in, WAITING_MAX, NULL, NULL);

    if (err)
        return err;
    err = mailbox_init(&s->out, WAITING_MAX, ring, s);
    if (err) {
        mailbox_fini(&s->in);
        return err;
    }
    err = loop_wake_init(loop, &s->wake, on_wake);
    if (err) {
        mailbox_fini(&s->out);
        mailbox_fini(&s->in);
    }
    return err;
}

static void spool_free(struct spool *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    buf_fini(&s->piece);
    mem_free(s->dir);
    mem_free(s);
}

static void on_closed(struct loop_wake *w)
{
    spool_free(container_of(w, struct spool, wake));
}

int spool_open(struct loop *loop, const char *dir, spool_safe_fn on_safe, void *ctx, struct spool **ret)
{
    struct spool *s = mem_calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->on_safe = on_safe;
    s->ctx = ctx;
    buf_init(&s->piece, LINE_MAX_BYTES + PIECE_BYTES);
    int err = open_file(s, dir);
    if (!err)
        err = open_boxes(s, loop);
    if (err) {
        spool_free(s);
        return err;
    }
    err = -pthread_create(&s->thread, NULL, run, s);
    if (err) {
        mailbox_fini(&s->out);
        mailbox_fini(&s->in);
        loop_wake_close(&s->wake, on_closed);
        return err;
    }
    *ret = s;
    return 0;
}

/* ---- an earlier life's lines ---- */

static int read_piece(struct spool *s)
{
    char room[PIECE_BYTES];
    int64_t left = s->read_end - s->read_at;
    ssize_t n = pread(s->fd, room, left < PIECE_BYTES ? (size_t)left : sizeof room, s->read_at);

    if (n <= 0)
        return n < 0 ? -errno : ERR_IO;
    buf_consume(&s->piece, s->given);
    s->given = 0;
    s->read_at += n;
    return buf_add(&s->piece, room, (size_t)n);
}

int spool_next(struct spool *s, struct str *ret)
{
    for (;;) {
        struct str rest = str_sub(buf_str(&s->piece), s->given, s->piece.len);
        size_t end = str_chr(rest, '\n');
        if (end < rest.n) {
            s->given += end + 1;
            *ret = str_sub(rest, 0, end);
            return 1;
        }
        if (s->read_at == s->read_end)
            return 0;
        int err = read_piece(s);
        if (err)
            return err;
    }
}

int spool_set_aside(struct spool *s, struct str line)
{
    int fd = open_at(s->dir, "spool.refused.jsonl", O_WRONLY | O_CREAT | O_APPEND);
    int err = fd < 0 ? fd : write_all(fd, line.p, line.n);

    if (!err)
        err = write_all(fd, "\n", 1);
    if (!err && fsync(fd) != 0)
        err = -errno;
    if (fd >= 0)
        (void)close(fd);
    return err;
}

/* ---- writing and forgetting ---- */

int spool_write(struct spool *s, int64_t tag, struct str line)
{
    struct entry *e = mem_calloc(1, sizeof *e);

    assert(str_chr(line, '\n') == line.n);
    if (!e)
        return -ENOMEM;
    e->tag = tag;
    e->bytes = line.n + 1;
    e->line = mem_alloc(e->bytes);
    int err = e->line ? 0 : -ENOMEM;
    if (!err) {
        memcpy(e->line, line.p, line.n);
        e->line[line.n] = '\n';
        err = mailbox_post(&s->in, &e->node);
    }
    if (err)
        entry_free(e);
    return err;
}

void spool_forget(struct spool *s)
{
    struct entry *e = mem_calloc(1, sizeof *e);

    if (!e)
        return; /* the next time, then; what stays is recognised as known */
    e->truncate = true;
    if (mailbox_post(&s->in, &e->node) != 0)
        entry_free(e);
}

void spool_close(struct spool *s)
{
    struct list rest, *n;

    if (!s)
        return;
    mailbox_close(&s->in);
    (void)pthread_join(s->thread, NULL);
    list_init(&rest);
    (void)mailbox_take_all(&s->in, &rest);
    (void)mailbox_take_all(&s->out, &rest);
    while ((n = list_pop(&rest)) != NULL)
        entry_free(container_of(n, struct entry, node));
    mailbox_fini(&s->in);
    mailbox_fini(&s->out);
    loop_wake_close(&s->wake, on_closed);
}
