/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the server side of the command channel.
 *
 *     accept -> READING --newline--> ASKED --control_reply()--> WRITING -> closed
 *                  | too long, end, silent: closed
 *
 * A line that is answered or whose client went is forgotten by its id.
 */
#include "loop/control.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/loop_private.h"
#include "loop/timer.h"

enum { MAX_CLIENTS = 64, READ_BYTES = 65536, SWEEP_MS = 1000, SILENCE_MS = 10000, BACKLOG = 16 };

enum client_state { CLIENT_READING, CLIENT_ASKED, CLIENT_WRITING, CLIENT_CLOSED };

struct client {
    uv_pipe_t pipe;
    struct control *control;
    struct list node;
    enum client_state state;
    uint64_t id;
    int64_t deadline_ms; /* not while CLIENT_ASKED: the handler owns that time */
    struct buf in, out;
    uv_write_t write;
};

struct control {
    struct loop *loop;
    uv_pipe_t listener;
    struct timer sweep;
    control_handler handler;
    void *ctx;
    struct list clients;
    size_t count;
    uint64_t last_id;
    int open_handles;
    char path[108];
};

static void control_release(struct control *c)
{
    if (--c->open_handles == 0)
        mem_free(c);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    struct control *c = client->control;

    buf_fini(&client->in);
    buf_fini(&client->out);
    mem_free(client);
    control_release(c);
}

static void client_close(struct client *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    client->state = CLIENT_CLOSED;
    list_del(&client->node);
    client->control->count--;
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct client *client = handle->data;
    size_t room = client->in.max - client->in.len;

    (void)suggested;
    if (room > READ_BYTES)
        room = READ_BYTES;
    if (buf_reserve(&client->in, room) < 0)
        room = 0; /* on_read() gets UV_ENOBUFS */
    *ret = uv_buf_init(room ? client->in.data + client->in.len : NULL, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    struct control *c = client->control;
    size_t end;

    (void)buf;
    if (n < 0) {
        client_close(client);
        return;
    }
    client->in.len += (size_t)n;
    if (client->state != CLIENT_READING)
        return; /* only to see the client go */
    end = str_chr(buf_str(&client->in), '\n');
    if (end < client->in.len) {
        client->state = CLIENT_ASKED;
        client->id = ++c->last_id;
        c->handler(c->ctx, (struct control_id){client->id}, str_sub(buf_str(&client->in), 0, end));
    } else if (client->in.len > CONTROL_LINE_BYTES) {
        client_close(client);
    }
}

static void on_sweep(struct timer *t)
{
    struct control *c = container_of(t, struct control, sweep);
    int64_t now = loop_now_ms(c->loop);

    for (struct list *n = c->clients.next, *next; n != &c->clients; n = next) {
        struct client *client = container_of(n, struct client, node);

        next = n->next;
        if (client->state != CLIENT_ASKED && now >= client->deadline_ms)
            client_close(client);
    }
    if (c->count > 0)
        timer_start(t, SWEEP_MS, on_sweep);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control *c = listener->data;
    struct client *client = status == 0 ? mem_calloc(1, sizeof(*client)) : NULL;

    if (!client)
        return;
    client->control = c;
    list_init(&client->node);
    list_add_tail(&c->clients, &client->node);
    buf_init(&client->in, CONTROL_LINE_BYTES + READ_BYTES);
    buf_init(&client->out, CONTROL_LINE_BYTES + 1);
    client->deadline_ms = loop_now_ms(c->loop) + SILENCE_MS;
    (void)uv_pipe_init(&c->loop->uv, &client->pipe, 0); /* cannot fail on Linux */
    client->pipe.data = client;
    c->open_handles++;
    c->count++;
    if (uv_accept(listener, (uv_stream_t *)&client->pipe) < 0 || c->count > MAX_CLIENTS ||
        uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
        client_close(client);
    if (!timer_is_running(&c->sweep))
        timer_start(&c->sweep, SWEEP_MS, on_sweep);
}

/* Is somebody listening there? */
static bool is_served(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool served;

    if (fd < 0)
        return true; /* rather refuse to start than take over */
    memcpy(addr.sun_path, path, strlen(path));
    served = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN;
    (void)close(fd);
    return served;
}

static int listener_open(struct control *c)
{
    mode_t mask;
    int r;

    if (is_served(c->path))
        return -EADDRINUSE;
    if (unlink(c->path) < 0 && errno != ENOENT)
        return -errno;
    mask = umask(0177); /* this user only, from the first moment */
    r = uv_pipe_bind(&c->listener, c->path);
    (void)umask(mask);
    return r < 0 ? r : uv_listen((uv_stream_t *)&c->listener, BACKLOG, on_connection);
}

static void on_listener_closed(uv_handle_t *handle)
{
    control_release(handle->data);
}

static void on_sweep_closed(struct timer *t)
{
    control_release(container_of(t, struct control, sweep));
}

static void control_drop(struct control *c)
{
    uv_close((uv_handle_t *)&c->listener, on_listener_closed); /* unlinks a bound path */
    timer_close(&c->sweep, on_sweep_closed);
}

int control_open(struct loop *loop, const char *path, control_handler handler, void *ctx,
                 struct control **ret)
{
    struct control *c;
    int r;

    if (strlen(path) >= sizeof(c->path))
        return -ENAMETOOLONG;
    c = mem_calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->loop = loop;
    c->handler = handler;
    c->ctx = ctx;
    memcpy(c->path, path, strlen(path));
    list_init(&c->clients);
    timer_init(loop, &c->sweep);
    (void)uv_pipe_init(&loop->uv, &c->listener, 0);
    c->listener.data = c;
    c->open_handles = 2;
    r = listener_open(c);
    if (r < 0) {
        control_drop(c);
        return r;
    }
    *ret = c;
    return 0;
}

static void on_written(uv_write_t *req, int status)
{
    struct client *client = req->handle->data;

    (void)status;
    client_close(client);
}

void control_reply(struct control *c, struct control_id id, struct str line)
{
    uv_buf_t bytes;

    assert(line.n <= CONTROL_LINE_BYTES && str_chr(line, '\n') == line.n);
    for (struct list *n = c->clients.next; n != &c->clients; n = n->next) {
        struct client *client = container_of(n, struct client, node);

        if (client->state != CLIENT_ASKED || client->id != id.value)
            continue;
        (void)buf_add_str(&client->out, line);
        (void)buf_addc(&client->out, '\n');
        bytes = uv_buf_init(client->out.data, (unsigned)client->out.len);
        client->state = CLIENT_WRITING;
        client->deadline_ms = loop_now_ms(c->loop) + SILENCE_MS;
        if (buf_error(&client->out) ||
            uv_write(&client->write, (uv_stream_t *)&client->pipe, &bytes, 1, on_written) < 0)
            client_close(client);
        return;
    }
}

void control_close(struct control *c)
{
    struct list *n;

    if (!c)
        return;
    while ((n = list_first(&c->clients)) != NULL)
        client_close(container_of(n, struct client, node));
    control_drop(c);
}
