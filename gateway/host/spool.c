/* SPDX-License-Identifier: Apache-2.0 */
#include "host/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/mem.h"

enum { WAITING_MAX = 65536 };

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
    int64_t bytes; /* the writing thread's */
    struct mailbox in, out;
    struct loop_wake wake;
    pthread_t thread;
    spool_safe_fn on_safe;
    void *ctx;
};

static int path_of(const char *dir, struct buf *ret)
{
    return buf_addf(ret, "%s/spool.jsonl", dir);
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    mem_free(e->line);
    mem_free(e);
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

static int carry_out(struct spool *s, const struct entry *e)
{
    if (e->truncate) {
        s->bytes = 0;
        return ftruncate(s->fd, 0) == 0 ? 0 : -errno;
    }
    if (s->bytes + (int64_t)e->bytes > SPOOL_MAX_BYTES)
        return ERR_FULL;
    int err = write_all(s->fd, e->line, e->bytes);
    if (!err)
        s->bytes += (int64_t)e->bytes;
    return err;
}

/* Many lines, one fsync. */
static void *run(void *arg)
{
    struct spool *s = arg;
    struct list batch, *n;

    list_init(&batch);
    while (mailbox_wait(&s->in, -1) == 1) {
        int synced;
        (void)mailbox_take_all(&s->in, &batch);
        for (n = batch.next; n != &batch; n = n->next)
            container_of(n, struct entry, node)->err = carry_out(s, container_of(n, struct entry, node));
        synced = fsync(s->fd) == 0 ? 0 : -errno;
        while ((n = list_pop(&batch)) != NULL) {
            struct entry *e = container_of(n, struct entry, node);
            if (!e->err)
                e->err = synced;
            if (e->truncate || mailbox_post(&s->out, &e->node) != 0)
                entry_free(e);
        }
    }
    return NULL;
}

/* ---- the loop's side ---- */

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

static int open_file(const char *dir)
{
    struct buf path;
    int fd;

    buf_init(&path, 4096);
    int err = path_of(dir, &path);
    fd = err ? err : open(path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (!err && fd < 0)
        fd = -errno;
    buf_fini(&path);
    return fd;
}

static int spool_init(struct spool *s, struct loop *loop)
{
    struct stat st;
    int err = fstat(s->fd, &st) == 0 ? 0 : -errno;

    if (err)
        return err;
    s->bytes = st.st_size;
    if (s->bytes) { /* a torn last line must not swallow the next one */
        err = write_all(s->fd, "\n", 1);
        s->bytes++;
    }
    if (err)
        return err;
    err = mailbox_init(&s->in, WAITING_MAX, NULL, NULL);
    if (!err)
        err = mailbox_init(&s->out, WAITING_MAX, ring, s);
    return err ? err : loop_wake_init(loop, &s->wake, on_wake);
}

int spool_open(struct loop *loop, const char *dir, spool_safe_fn on_safe, void *ctx, struct spool **ret)
{
    struct spool *s = mem_calloc(1, sizeof *s);
    int err = s ? 0 : -ENOMEM;

    if (err)
        return err;
    s->on_safe = on_safe;
    s->ctx = ctx;
    s->fd = open_file(dir);
    err = s->fd < 0 ? s->fd : spool_init(s, loop);
    if (!err)
        err = -pthread_create(&s->thread, NULL, run, s);
    if (err) {
        if (s->fd >= 0)
            (void)close(s->fd);
        mem_free(s);
        return err;
    }
    *ret = s;
    return 0;
}

int spool_write(struct spool *s, int64_t tag, struct str line)
{
    struct entry *e = mem_calloc(1, sizeof *e);

    if (!e)
        return -ENOMEM;
    e->tag = tag;
    e->bytes = line.n + 1;
    e->line = mem_alloc(e->bytes);
    int err = e->line ? 0 : -ENOMEM;
    if (!err) {
        for (size_t i = 0; i < line.n; i++)
            e->line[i] = line.p[i];
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

static void on_closed(struct loop_wake *w)
{
    mem_free(container_of(w, struct spool, wake));
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
    (void)close(s->fd);
    loop_wake_close(&s->wake, on_closed);
}

static int each_line(struct str text, spool_line_fn each, void *ctx)
{
    int err = 0;

    while (text.n && !err) {
        size_t at = str_chr(text, '\n');
        if (at == text.n)
            break; /* torn: its platform was never told that it is safe */
        err = at ? each(ctx, str_sub(text, 0, at)) : 0;
        text = str_sub(text, at + 1, text.n);
    }
    return err;
}

static int read_all(int fd, struct buf *ret)
{
    char room[65536];
    ssize_t n;
    int err = 0;

    while (!err && (n = read(fd, room, sizeof room)) != 0)
        err = n > 0 ? buf_add(ret, room, (size_t)n) : errno == EINTR ? 0 : -errno;
    return err;
}

int spool_read(const char *dir, spool_line_fn each, void *ctx)
{
    struct buf path, text;
    int fd, err;

    buf_init(&path, 4096);
    buf_init(&text, (size_t)SPOOL_MAX_BYTES + 1);
    err = path_of(dir, &path);
    fd = err ? -1 : open(path.data, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err = err ? err : errno == ENOENT ? 0 : -errno;
    } else {
        err = read_all(fd, &text);
        (void)close(fd);
    }
    if (!err)
        err = each_line(buf_str(&text), each, ctx);
    buf_fini(&text);
    buf_fini(&path);
    return err;
}
