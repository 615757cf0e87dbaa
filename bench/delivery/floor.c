/* SPDX-License-Identifier: Apache-2.0 */
/* The floor of bench/delivery: the bare libcurl multi loop. It posts a body COUNT times, WIDTH at once, over
 * kept connections, reads each answer, and writes nothing down.
 *
 *     bench_delivery_floor URL COUNT WIDTH BODY
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 64, WAIT_MS = 1000 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_delivery_floor: %s\n", what);
    exit(1);
}

static size_t on_answer(char *data, size_t size, size_t n, void *ctx)
{
    (void)data, (void)ctx;
    return size * n;
}

static CURL *poster(const char *url, const char *body, struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();

    if (!easy || curl_easy_setopt(easy, CURLOPT_URL, url) ||
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) ||
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) ||
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1))
        die("libcurl refuses");
    return easy;
}

/* Handles that ended start again until `count` have been started. Gives how many ended. */
static long again(CURLM *multi, long *started, long count)
{
    CURLMsg *m;
    int left;
    long ended = 0;

    while ((m = curl_multi_info_read(multi, &left)) != NULL) {
        CURL *easy = m->easy_handle;

        if (m->data.result != CURLE_OK)
            die(curl_easy_strerror(m->data.result));
        curl_multi_remove_handle(multi, easy);
        ended++;
        if (*started < count && curl_multi_add_handle(multi, easy) == CURLM_OK)
            (*started)++;
        else
            curl_easy_cleanup(easy);
    }
    return ended;
}

int main(int argc, char **argv)
{
    long count = argc == 5 ? strtol(argv[2], NULL, 10) : 0, width = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
    long started = 0, ended = 0;
    int running;

    if (count < 1 || width < 1 || width > WIDTH_MAX || count < width ||
        curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        die("usage: bench_delivery_floor URL COUNT WIDTH BODY");
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (!multi || !headers)
        die("libcurl refuses");
    for (; started < width; started++)
        if (curl_multi_add_handle(multi, poster(argv[1], argv[4], headers)) != CURLM_OK)
            die("libcurl refuses");
    while (ended < count) {
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            die("libcurl refuses");
        ended += again(multi, &started, count);
        if (ended < count && curl_multi_poll(multi, NULL, 0, WAIT_MS, NULL) != CURLM_OK)
            die("libcurl refuses");
    }
    curl_slist_free_all(headers);
    curl_multi_cleanup(multi);
    curl_global_cleanup();
    return 0;
}
