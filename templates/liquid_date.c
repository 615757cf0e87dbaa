/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a date: the text is a row of numbers and words, and what follows or leads a number tells its part.
 */
#include "templates/liquid_date.h"

#include <ctype.h>

#include "base/err.h"

#define MS_FROM INT64_C(100000000000)  /* 1973 in ms, the year 5138 in seconds */
#define TIME_MAX INT64_C(253402300799) /* the end of 9999 */
#define TIME_MIN INT64_C(-62167219200) /* the start of 0000 */

struct parts {
    int year, month, day, hour, minute, second, offset_s;
    bool has_year, has_time, afternoon, half_day;
};

static int64_t days_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return (int64_t)era * 146097 + day_of_era - 719468;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

int lq_date_of_number(int64_t n, int64_t *ret)
{
    if (n >= MS_FROM || n <= -MS_FROM)
        n /= 1000;
    if (n > TIME_MAX || n < TIME_MIN)
        return ERR_SYNTAX;
    *ret = n;
    return 0;
}

/* Up to nine digits off the front. */
static bool take_number(struct str *s, int *ret, size_t *digits)
{
    int n = 0;

    for (*digits = 0; *digits < s->n && isdigit((unsigned char)s->p[*digits]); ++*digits) {
        if (*digits >= 9)
            return false;
        n = n * 10 + (s->p[*digits] - '0');
    }
    *s = str_sub(*s, *digits, s->n);
    *ret = n;
    return *digits > 0;
}

static bool take(struct str *s, struct str mark)
{
    if (!str_starts(*s, mark))
        return false;
    *s = str_sub(*s, mark.n, s->n);
    return true;
}

/* Behind "HH": ":MM[:SS[.fraction]]". */
static bool take_time(struct str *s, int hour, struct parts *p)
{
    size_t digits;
    int fraction;

    if (p->has_time || !take(s, STR(":")) || !take_number(s, &p->minute, &digits))
        return false;
    p->has_time = true;
    p->hour = hour;
    if (take(s, STR(":")) && !take_number(s, &p->second, &digits))
        return false;
    return !take(s, STR(".")) || take_number(s, &fraction, &digits);
}

/* Behind the year: -MM-DD or /MM/DD or 年M月D日. */
static bool take_day_of_year(struct str *s, struct parts *p)
{
    struct str between = s->n > 0 && s->p[0] == '-' ? STR("-") : STR("/");
    bool chinese = take(s, STR("年"));
    size_t digits;

    if (!chinese && !take(s, between))
        return false;
    if (!take_number(s, &p->month, &digits) || !take(s, chinese ? STR("月") : between) ||
        !take_number(s, &p->day, &digits))
        return false;
    (void)(chinese && (take(s, STR("日")) || take(s, STR("号"))));
    return true;
}

static bool begins_date(struct str s)
{
    return s.n > 0 && (s.p[0] == '-' || s.p[0] == '/' || str_starts(s, STR("年")));
}

static bool read_digits(struct str *s, struct parts *p)
{
    size_t digits;
    int n;

    if (!take_number(s, &n, &digits))
        return false;
    if (s->n > 0 && s->p[0] == ':')
        return take_time(s, n, p);
    if (digits == 4 && !p->has_year) {
        p->year = n;
        p->has_year = true;
        return !begins_date(*s) || (p->day == 0 && take_day_of_year(s, p));
    }
    if (p->day > 0 || digits > 2)
        return false;
    p->day = n;
    (void)(take(s, STR("st")) || take(s, STR("nd")) || take(s, STR("rd")) || take(s, STR("th")));
    return true;
}

/* +08:00 or -0500, only behind a time. */
static bool read_offset(struct str *s, struct parts *p)
{
    int sign = s->p[0] == '-' ? -1 : 1, hours, minutes = 0;
    size_t digits;

    *s = str_sub(*s, 1, s->n);
    if (!p->has_time || !take_number(s, &hours, &digits) || digits == 3 || digits > 4)
        return false;
    if (digits == 4) {
        minutes = hours % 100;
        hours /= 100;
    } else if (take(s, STR(":")) && !take_number(s, &minutes, &digits)) {
        return false;
    }
    p->offset_s = sign * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

/* Which of the names `word` is, in full or by its first letters (three at least); 0 for none. */
static int which_name(struct str word, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (word.n >= 3 && str_eq_nocase(word, str_sub(str_of(names[i]), 0, word.n)))
            return i + 1;
    return 0;
}

static bool read_word(struct str *s, struct parts *p)
{
    struct str word;
    size_t n = 0;
    int month;

    while (n < s->n && isalpha((unsigned char)s->p[n]))
        n++;
    word = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    month = which_name(word, months, 12);
    if (month > 0) {
        bool first = p->month == 0;

        p->month = month;
        return first;
    }
    if (str_eq_nocase(word, STR("am")) || str_eq_nocase(word, STR("pm"))) {
        p->half_day = true;
        p->afternoon = str_eq_nocase(word, STR("pm"));
        return p->has_time;
    }
    if (str_eq_nocase(word, STR("z")) || str_eq_nocase(word, STR("utc")) || str_eq_nocase(word, STR("gmt"))) {
        p->offset_s = 0;
        return p->has_time;
    }
    return str_eq_nocase(word, STR("t")) ? p->day > 0 : which_name(word, weekdays, 7) > 0;
}

static bool read_parts(struct str s, struct parts *p)
{
    bool good = true;

    while (good && s.n > 0) {
        char c = s.p[0];

        if (isspace((unsigned char)c) || c == ',')
            s = str_sub(s, 1, s.n);
        else if (isdigit((unsigned char)c))
            good = read_digits(&s, p);
        else if (c == '+' || c == '-')
            good = read_offset(&s, p);
        else
            good = isalpha((unsigned char)c) && read_word(&s, p);
    }
    return good;
}

static bool parts_are_valid(const struct parts *p)
{
    if (!p->has_year || p->month < 1 || p->month > 12 || p->day < 1 ||
        p->day > days_in_month(p->year, p->month))
        return false;
    if (p->half_day && (p->hour < 1 || p->hour > 12))
        return false;
    return p->hour < 24 && p->minute < 60 && p->second <= 60;
}

int lq_date_parse(struct str text, int offset_s, int64_t *ret)
{
    struct parts p = {.offset_s = offset_s};
    int64_t n;

    text = str_trim(text);
    if (text.n > 0 && isdigit((unsigned char)text.p[0]) && str_to_i64(text, &n) == 0)
        return lq_date_of_number(n, ret);
    if (!read_parts(text, &p) || !parts_are_valid(&p))
        return ERR_SYNTAX;
    if (p.half_day)
        p.hour = p.hour % 12 + (p.afternoon ? 12 : 0);
    *ret = days_from_civil(p.year, p.month, p.day) * 86400 + p.hour * 3600 + p.minute * 60 + p.second -
           p.offset_s;
    return 0;
}

/* A moment in its zone, as strftime wants it. */
struct moment {
    int64_t t;
    int offset_s;
    int year, month, day, hour, minute, second, weekday,
        day_of_year; /* weekday 0: Sunday; day_of_year from 1 */
};

static struct moment moment_of(int64_t t, int offset_s)
{
    struct moment m = {.t = t, .offset_s = offset_s};
    int64_t local = t + offset_s;
    int64_t days = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
    int in_day = (int)(local - days * 86400);

    m.hour = in_day / 3600;
    m.minute = in_day / 60 % 60;
    m.second = in_day % 60;
    m.weekday = (int)(((days + 4) % 7 + 7) % 7);
    m.year = 1970 + (int)(days / 366); /* never too far for days > 0; corrected below */
    while (days_from_civil(m.year, 1, 1) > days)
        m.year--;
    while (days_from_civil(m.year + 1, 1, 1) <= days)
        m.year++;
    m.day_of_year = (int)(days - days_from_civil(m.year, 1, 1)) + 1;
    m.day = m.day_of_year;
    for (m.month = 1; m.day > days_in_month(m.year, m.month); m.month++)
        m.day -= days_in_month(m.year, m.month);
    return m;
}

/* The ISO week and the year it belongs to. */
static int iso_week(const struct moment *m, int *year)
{
    int weekday = m->weekday == 0 ? 7 : m->weekday;
    int week = (m->day_of_year - weekday + 10) / 7;
    int dec31 = (int)(((days_from_civil(m->year, 12, 31) + 4) % 7 + 7) % 7);

    *year = m->year;
    if (week == 0) { /* the last week of the year before */
        struct moment before = moment_of(m->t - (int64_t)m->day_of_year * 86400, m->offset_s);

        return iso_week(&before, year);
    }
    if (week == 53 && dec31 >= 1 && dec31 <= 3) {
        *year = m->year + 1;
        return 1;
    }
    return week;
}

struct directive {
    char pad;         /* '0', ' ', or '-': none; NUL: as the directive has it */
    bool upper, swap; /* ^ and # */
    bool colon;
    int width;
    char letter;
};

static int put_padded(struct buf *out, const struct directive *d, struct str text, char pad, int width)
{
    int err = 0;

    pad = d->pad ? d->pad : pad;
    width = d->width > 0 ? d->width : width;
    for (int i = (int)text.n; pad != '-' && err == 0 && i < width; i++)
        err = buf_addc(out, pad);
    for (size_t i = 0; err == 0 && i < text.n; i++)
        err = buf_addc(out, (char)(d->upper || d->swap ? toupper((unsigned char)text.p[i]) : text.p[i]));
    return err;
}

static int put_number(struct buf *out, const struct directive *d, int64_t n, char pad, int width)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + (int)(left % 10));
        left /= 10;
    } while (left > 0);
    if (n < 0)
        digits[--at] = '-';
    return put_padded(out, d, (struct str){digits + at, sizeof digits - at}, pad, width);
}

static int put_zone(struct buf *out, const struct directive *d, int offset_s)
{
    int minutes = (offset_s < 0 ? -offset_s : offset_s) / 60;

    return buf_addf(out, "%c%02d%s%02d", offset_s < 0 ? '-' : '+', minutes / 60, d->colon ? ":" : "",
                    minutes % 60);
}

static int put_names(struct buf *out, const struct directive *d, const struct moment *m)
{
    struct str month = str_of(months[m->month - 1]), weekday = str_of(weekdays[m->weekday]);

    switch (d->letter) {
    case 'A': return put_padded(out, d, weekday, ' ', 0);
    case 'a': return put_padded(out, d, str_sub(weekday, 0, 3), ' ', 0);
    case 'B': return put_padded(out, d, month, ' ', 0);
    case 'b':
    case 'h': return put_padded(out, d, str_sub(month, 0, 3), ' ', 0);
    case 'p': /* # turns it to lower case */
        if (!d->swap)
            return put_padded(out, d, m->hour < 12 ? STR("AM") : STR("PM"), ' ', 0);
        return buf_add_str(out, m->hour < 12 ? STR("am") : STR("pm"));
    default: return put_padded(out, d, m->hour < 12 ? STR("am") : STR("pm"), ' ', 0);
    }
}

/* Numbers, with the padding and width each has by itself. False: no such directive. */
static bool number_of_directive(const struct moment *m, char letter, int64_t *n, char *pad, int *width)
{
    int iso_year, week = iso_week(m, &iso_year), monday = (m->weekday + 6) % 7;

    *pad = '0';
    *width = 2;
    switch (letter) {
    case 'Y': *n = m->year, *width = 4; return true;
    case 'C': *n = m->year / 100; return true;
    case 'y': *n = m->year % 100; return true;
    case 'm': *n = m->month; return true;
    case 'd': *n = m->day; return true;
    case 'e': *n = m->day, *pad = ' '; return true;
    case 'j': *n = m->day_of_year, *width = 3; return true;
    case 'H': *n = m->hour; return true;
    case 'k': *n = m->hour, *pad = ' '; return true;
    case 'I': *n = (m->hour + 11) % 12 + 1; return true;
    case 'l': *n = (m->hour + 11) % 12 + 1, *pad = ' '; return true;
    case 'M': *n = m->minute; return true;
    case 'S': *n = m->second; return true;
    case 'L': *n = 0, *width = 3; return true;
    case 'N': *n = 0, *width = 9; return true;
    case 'u': *n = monday + 1, *width = 1; return true;
    case 'w': *n = m->weekday, *width = 1; return true;
    case 'G': *n = iso_year, *width = 4; return true;
    case 'g': *n = iso_year % 100; return true;
    case 'V': *n = week; return true;
    case 'U': *n = (m->day_of_year + 6 - m->weekday) / 7; return true;
    case 'W': *n = (m->day_of_year + 6 - monday) / 7; return true;
    case 's': *n = m->t, *width = 1; return true;
    default: return false;
    }
}

/* Directives that are short for others. */
static const char *expansion_of(char letter)
{
    switch (letter) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'R': return "%H:%M";
    case 'r': return "%I:%M:%S %p";
    case 'T':
    case 'X': return "%H:%M:%S";
    case 'v': return "%e-%^b-%Y";
    default: return NULL;
    }
}

static int format_moment(const struct moment *m, struct str format, struct buf *out);

static int put_directive(struct buf *out, const struct directive *d, const struct moment *m,
                         struct str as_written)
{
    const char *expansion = expansion_of(d->letter);
    int64_t n;
    int width;
    char pad;

    if (expansion)
        return format_moment(m, str_of(expansion), out);
    if (number_of_directive(m, d->letter, &n, &pad, &width))
        return put_number(out, d, n, pad, width);
    switch (d->letter) {
    case 'A':
    case 'a':
    case 'B':
    case 'b':
    case 'h':
    case 'p':
    case 'P': return put_names(out, d, m);
    case 'z': return put_zone(out, d, m->offset_s);
    case 'Z': return m->offset_s == 0 ? buf_adds(out, "UTC") : put_zone(out, d, m->offset_s);
    case 'n': return buf_addc(out, '\n');
    case 't': return buf_addc(out, '\t');
    case '%': return buf_addc(out, '%');
    default: return buf_add_str(out, as_written);
    }
}

/* Takes "%-5d" off `s`. False: it ends in the middle. */
static bool take_directive(struct str *s, struct directive *ret)
{
    *ret = (struct directive){0};
    for (*s = str_sub(*s, 1, s->n); s->n > 0; *s = str_sub(*s, 1, s->n)) {
        char c = s->p[0];

        if (c == '-' || c == '0')
            ret->pad = ret->width > 0 ? ret->pad : c;
        if (c == '_')
            ret->pad = ' ';
        ret->upper |= c == '^';
        ret->swap |= c == '#';
        ret->colon |= c == ':';
        if (isdigit((unsigned char)c) && (c != '0' || ret->width > 0))
            ret->width = ret->width < 100 ? ret->width * 10 + (c - '0') : ret->width;
        else if (c != '-' && c != '0' && c != '_' && c != '^' && c != '#' && c != ':')
            break;
    }
    if (s->n == 0)
        return false;
    ret->letter = s->p[0];
    *s = str_sub(*s, 1, s->n);
    return true;
}

static int format_moment(const struct moment *m, struct str format, struct buf *out)
{
    struct directive d;
    int err = 0;

    while (err == 0 && format.n > 0) {
        size_t plain = str_chr(format, '%');
        struct str written;

        err = buf_add_str(out, str_sub(format, 0, plain));
        format = str_sub(format, plain, format.n);
        if (err < 0 || format.n == 0)
            break;
        written = format;
        if (!take_directive(&format, &d))
            return buf_add_str(out, written);
        written.n -= format.n;
        err = put_directive(out, &d, m, written);
    }
    return err;
}

int lq_date_format(int64_t t, int offset_s, struct str format, struct buf *out)
{
    struct moment m = moment_of(t, offset_s);

    return format_moment(&m, format, out);
}
