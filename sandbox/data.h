/* SPDX-License-Identifier: Apache-2.0 */
/* data.h - the sandbox's own figures: what each platform allows, and how it says no.
 *
 * Written from the platforms' documents, apart from the product's rule pack, which a test compares with it.
 *
 * Units    amounts count calls, messages, recipients, bytes or items as the name says; window_ms is 0 where
 *          the window is a calendar's or there is none.
 * Threads  any; all data is constant. A model starts from a copy that a configuration may change.
 */
#ifndef SIYU_SANDBOX_DATA_H
#define SIYU_SANDBOX_DATA_H

#include <stddef.h>
#include <stdint.h>

#define SB_SECOND INT64_C(1000)
#define SB_MINUTE (60 * SB_SECOND)
#define SB_HOUR (60 * SB_MINUTE)
#define SB_DAY (24 * SB_HOUR)

enum sb_span {
    SB_SIZE,    /* of one call; no time in it */
    SB_LIFE,    /* how long a thing is good for */
    SB_SLIDING, /* any window_ms */
    SB_BLOCK,   /* opens with its first call; going over shuts it for window_ms */
    SB_ROLLING, /* opens with its first send, closes window_ms later */
    SB_CLOCK_MINUTE,
    SB_CLOCK_HOUR,
    SB_CALENDAR_DAY, /* days and months are Asia/Shanghai */
    SB_CALENDAR_MONTH,
    SB_DAYS_OF_MONTH, /* as many a calendar month as it has days; the amount is unused */
    SB_OPENED,        /* opened by something the customer did */
};

#define SB_LIMITS(X)                                                                                         \
    X(WECOM_API_MINUTE, "wecom.api.minute", 10000, SB_BLOCK, SB_MINUTE, "90454")                             \
    X(WECOM_API_HOUR, "wecom.api.hour", 150000, SB_BLOCK, SB_HOUR, "90454")                                  \
    X(WECOM_TOKEN, "wecom.token", 1, SB_LIFE, 7200 * SB_SECOND, "91039")                                     \
    X(WECOM_WELCOME, "wecom.welcome", 1, SB_LIFE, 20 * SB_SECOND, "92137")                                   \
    X(WECOM_WELCOME_TEXT, "wecom.welcome.text.bytes", 4000, SB_SIZE, 0, "92137")                             \
    X(WECOM_ATTACHMENTS, "wecom.attachments", 9, SB_SIZE, 0, "92135")                                        \
    X(WECOM_TASK_CUSTOMERS, "wecom.task.customers", 10000, SB_SIZE, 0, "92135")                              \
    X(WECOM_TASK_GROUPS, "wecom.task.groups", 2000, SB_SIZE, 0, "92135")                                     \
    X(WECOM_TASK_TAGS, "wecom.task.tags", 100, SB_SIZE, 0, "92135")                                          \
    X(WECOM_TASK_TEXT, "wecom.task.text.bytes", 4000, SB_SIZE, 0, "92135")                                   \
    X(WECOM_TASK_REMIND, "wecom.task.remind", 3, SB_SLIDING, SB_DAY, "97610")                                \
    X(WECOM_TASK_DISPATCH, "wecom.task.dispatch", 1, SB_LIFE, 2 * SB_SECOND, "92135: right after creation")  \
    X(WECOM_CUSTOMER_MONTH, "wecom.customer.month", 0, SB_DAYS_OF_MONTH, 0, "92135")                         \
    X(WECOM_GROUP_MONTH, "wecom.group.month", 0, SB_DAYS_OF_MONTH, 0, "92135")                               \
    X(WECOM_WEBHOOK_MINUTE, "wecom.webhook.minute", 20, SB_SLIDING, SB_MINUTE, "99110")                      \
    X(WECOM_WEBHOOK_TEXT, "wecom.webhook.text.bytes", 2048, SB_SIZE, 0, "99110")                             \
    X(WECOM_WEBHOOK_MARKDOWN, "wecom.webhook.markdown.bytes", 4096, SB_SIZE, 0, "99110")                     \
    X(WECOM_WEBHOOK_NEWS, "wecom.webhook.articles", 8, SB_SIZE, 0, "99110")                                  \
    X(WECOM_APP_MEMBERS, "wecom.app.members", 1000, SB_SIZE, 0, "90236")                                     \
    X(WECOM_APP_TEXT, "wecom.app.text.bytes", 2048, SB_SIZE, 0, "90236")                                     \
    X(WECOM_APP_MINUTE, "wecom.app.member.minute", 30, SB_SLIDING, SB_MINUTE, "90236")                       \
    X(WECOM_APP_HOUR, "wecom.app.member.hour", 1000, SB_SLIDING, SB_HOUR, "90236")                           \
    X(WECOM_APP_REPEAT, "wecom.app.repeat", 1, SB_LIFE, 4 * SB_HOUR, "90236: at most")                       \
    X(KF_CUSTOMERS, "kf.customers", 100, SB_SIZE, 0, "95122: believed")                                      \
    X(WECOM_MEDIA, "wecom.media", 1, SB_LIFE, 3 * SB_DAY, "90253")                                           \
    X(KF_TURN, "kf.turn", 5, SB_OPENED, 48 * SB_HOUR, "94677")                                               \
    X(KF_WELCOME, "kf.welcome", 1, SB_LIFE, 20 * SB_SECOND, "95122")                                         \
    X(KF_DATA, "kf.data", 1, SB_LIFE, 3 * SB_DAY, "94670")                                                   \
    X(KF_SYNC_TOKEN, "kf.sync.token", 1, SB_LIFE, 10 * SB_MINUTE, "94670")                                   \
    X(KF_SYNC_FREE, "kf.sync.tokenless", 60, SB_BLOCK, SB_MINUTE, "94670: strict, unpublished")              \
    X(KF_SYNC_PAGE, "kf.sync.page", 1000, SB_SIZE, 0, "94670")                                               \
    X(KF_TEXT, "kf.text.bytes", 2048, SB_SIZE, 0, "94677")                                                   \
    X(KF_MSGID, "kf.msgid.bytes", 32, SB_SIZE, 0, "94677")                                                   \
    X(OFFICIAL_TOKEN, "official.token", 1, SB_LIFE, 7200 * SB_SECOND, "getAccessToken")                      \
    X(OFFICIAL_TOKEN_OVERLAP, "official.token.overlap", 1, SB_LIFE, 5 * SB_MINUTE, "getStableAccessToken")   \
    X(OFFICIAL_TOKEN_DAY, "official.token.day", 2000, SB_CALENDAR_DAY, 0, "API_Call_Limits")                 \
    X(OFFICIAL_STABLE_MINUTE, "official.stable_token.minute", 10000, SB_BLOCK, SB_MINUTE, "stable")          \
    X(OFFICIAL_FORCE_DAY, "official.stable_token.force.day", 20, SB_CALENDAR_DAY, 0, "stable")               \
    X(OFFICIAL_FORCE_GAP, "official.stable_token.force.gap", 1, SB_LIFE, 30 * SB_SECOND, "stable")           \
    X(OFFICIAL_REPLY_MESSAGE, "official.reply.message", 5, SB_OPENED, 48 * SB_HOUR, "sendCustomMessage")     \
    X(OFFICIAL_REPLY_FOLLOW, "official.reply.follow", 3, SB_OPENED, SB_MINUTE, "sendCustomMessage")          \
    X(OFFICIAL_REPLY_SCAN, "official.reply.scan", 3, SB_OPENED, SB_MINUTE, "sendCustomMessage")              \
    X(OFFICIAL_REPLY_MENU, "official.reply.menu", 3, SB_OPENED, SB_MINUTE, "sendCustomMessage")              \
    X(OFFICIAL_CUSTOM_DAY, "official.custom.day", 500000, SB_CALENDAR_DAY, 0, "API_Call_Limits")             \
    X(OFFICIAL_TEXT, "official.text.bytes", 2048, SB_SIZE, 0, "Passive_user_reply_message")                  \
    X(OFFICIAL_MASS_MONTH, "official.mass.month", 4, SB_CALENDAR_MONTH, 0, "Batch_Sends")                    \
    X(OFFICIAL_MASS_DAY, "official.mass.day", 100, SB_CALENDAR_DAY, 0, "Batch_Sends")                        \
    X(OFFICIAL_MASS_MINUTE, "official.mass.minute", 60, SB_BLOCK, SB_MINUTE, "Batch_Sends")                  \
    X(OFFICIAL_MASS_ALL_DAY, "official.mass.all.day", 1, SB_CALENDAR_DAY, 0, "Batch_Sends")                  \
    X(OFFICIAL_MASS_ALL_MONTH, "official.mass.all.month", 4, SB_CALENDAR_MONTH, 0, "Batch_Sends")            \
    X(OFFICIAL_MASS_SUBSCRIPTION_DAY, "official.mass.subscription.day", 1, SB_CALENDAR_DAY, 0, "sends")      \
    X(OFFICIAL_MASS_MIN, "official.mass.openids.min", 2, SB_SIZE, 0, "massSend")                             \
    X(OFFICIAL_MASS_MAX, "official.mass.openids.max", 10000, SB_SIZE, 0, "massSend")                         \
    X(OFFICIAL_CLIENTMSGID, "official.clientmsgid", 1, SB_LIFE, SB_DAY, "Batch_Sends")                       \
    X(OFFICIAL_CLIENTMSGID_GAP, "official.clientmsgid.gap", 1, SB_LIFE, SB_MINUTE, "Batch_Sends")            \
    X(OFFICIAL_CLIENTMSGID_BYTES, "official.clientmsgid.bytes", 64, SB_SIZE, 0, "Batch_Sends")               \
    X(OFFICIAL_TAG_PAGE, "official.tag.page", 10000, SB_SIZE, 0, "getTagFans")                               \
    X(OFFICIAL_USER_PAGE, "official.user.page", 10000, SB_SIZE, 0, "getFans")                                \
    X(OFFICIAL_USER_GET_DAY, "official.user.get.day", 500, SB_CALENDAR_DAY, 0, "API_Call_Limits")            \
    X(OFFICIAL_USER_INFO_DAY, "official.user.info.day", 5000000, SB_CALENDAR_DAY, 0, "API_Call_Limits")      \
    X(OFFICIAL_TEMPLATE_DAY, "official.template.day", 100000, SB_CALENDAR_DAY, 0, "API_Call_Limits")         \
    X(OFFICIAL_TEMPLATE_KEY, "official.template.key", 1, SB_LIFE, 10 * SB_MINUTE, "sendTemplateMessage")     \
    X(ALIYUN_NUMBERS, "aliyun.numbers", 1000, SB_SIZE, 0, "SendSms")                                         \
    X(ALIYUN_OUT_ID, "aliyun.out_id.chars", 255, SB_SIZE, 0, "SendSms")                                      \
    X(ALIYUN_TEXT, "aliyun.text.chars", 500, SB_SIZE, 0, "template rules")                                   \
    X(ALIYUN_DATE_SKEW, "aliyun.date.skew", 1, SB_LIFE, 15 * SB_MINUTE, "2593177")                           \
    X(ALIYUN_OTP_MINUTE, "aliyun.otp.minute", 1, SB_CLOCK_MINUTE, 0, "44335")                                \
    X(ALIYUN_OTP_HOUR, "aliyun.otp.hour", 5, SB_CLOCK_HOUR, 0, "44335")                                      \
    X(ALIYUN_OTP_DAY, "aliyun.otp.day", 10, SB_ROLLING, SB_DAY, "44335")                                     \
    X(ALIYUN_OTP_NUMBER_DAY, "aliyun.otp.number.day", 40, SB_ROLLING, SB_DAY, "44335")                       \
    X(ALIYUN_NOTICE_DAY, "aliyun.notice.day", 50, SB_ROLLING, SB_DAY, "44335")                               \
    X(ALIYUN_PROMO_DAY, "aliyun.promo.day", 50, SB_ROLLING, SB_DAY, "44335")                                 \
    X(ALIYUN_PROMO_FROM_HOUR, "aliyun.promo.from.hour", 8, SB_SIZE, 0, "get-started-with-sms")               \
    X(ALIYUN_PROMO_UNTIL_HOUR, "aliyun.promo.until.hour", 20, SB_SIZE, 0, "get-started-with-sms")            \
    X(ALIYUN_DETAIL_DAYS, "aliyun.detail", 1, SB_LIFE, 30 * SB_DAY, "QuerySendDetails")                      \
    X(ALIYUN_DETAIL_PAGE, "aliyun.detail.page", 50, SB_SIZE, 0, "QuerySendDetails")                          \
    X(PUSH_ATTEMPTS, "push.attempts", 3, SB_SIZE, 0, "90930; Receiving_event_pushes")                        \
    X(PUSH_VERIFY, "push.verify", 1, SB_LIFE, SB_SECOND, "90930")                                            \
    X(PUSH_ANSWER, "push.answer", 1, SB_LIFE, 5 * SB_SECOND, "90930; Receiving_event_pushes")

#define SB_LIMIT_ENUM(id, name, amount, span, window, source) SB_##id,
enum sb_limit_id { SB_LIMITS(SB_LIMIT_ENUM) SB_LIMIT_COUNT };
#undef SB_LIMIT_ENUM

struct sb_limit {
    const char *name;
    int64_t amount;
    enum sb_span span;
    int64_t window_ms;
    const char *source; /* document number or page name */
};

extern const struct sb_limit sb_limits[SB_LIMIT_COUNT];

/* What a refusal means to the caller. */
enum sb_meaning {
    SB_OK,
    SB_RETRY,   /* not done; the same call may work a moment later */
    SB_RENEW,   /* not done; the token must be renewed */
    SB_LIMITED, /* not done; a limit is reached */
    SB_DONE,    /* this very thing was done, or asked for, before */
    SB_REFUSED, /* not done, and a repeat will not help */
    SB_BANNED,  /* not done; the sender is blocked until a human acts */
};

#define SB_WECOM_CODES(X)                                                                                    \
    X(W_OK, 0, SB_OK, "ok")                                                                                  \
    X(W_BUSY, -1, SB_RETRY, "system busy")                                                                   \
    X(W_BAD_SECRET, 40001, SB_REFUSED, "invalid credential")                                                 \
    X(W_BAD_USERID, 40003, SB_REFUSED, "invalid UserID")                                                     \
    X(W_BAD_TYPE, 40008, SB_REFUSED, "invalid message type")                                                 \
    X(W_BAD_MEDIA, 40007, SB_REFUSED, "invalid media_id")                                                    \
    X(W_BAD_CORPID, 40013, SB_REFUSED, "invalid corpid")                                                     \
    X(W_BAD_TOKEN, 40014, SB_RENEW, "invalid access_token")                                                  \
    X(W_BAD_ARGUMENT, 40058, SB_REFUSED, "invalid Request Parameter")                                        \
    X(W_BAD_TAG, 40068, SB_REFUSED, "invalid tagid")                                                         \
    X(W_BAD_CUSTOMER, 40096, SB_REFUSED, "invalid external userid")                                          \
    X(W_ACCOUNT_BANNED, 40143, SB_BANNED, "account is banned")                                               \
    X(W_NO_TOKEN, 41001, SB_REFUSED, "access_token missing")                                                 \
    X(W_NO_CORPID, 41002, SB_REFUSED, "corpid missing")                                                      \
    X(W_NO_SECRET, 41004, SB_REFUSED, "secret missing")                                                      \
    X(W_NOBODY, 41048, SB_REFUSED, "no customer to send")                                                    \
    X(W_NO_CODE, 41049, SB_REFUSED, "welcome code missing")                                                  \
    X(W_BAD_CODE, 41050, SB_REFUSED, "invalid welcome code")                                                 \
    X(W_WELCOMED, 41051, SB_DONE, "chat started or welcome already sent")                                    \
    X(W_DISPATCHING, 41063, SB_RETRY, "task is being dispatched")                                            \
    X(W_MANY_ATTACHMENTS, 41064, SB_REFUSED, "too many attachments")                                         \
    X(W_BAD_ATTACHMENT, 41065, SB_REFUSED, "invalid attachment type")                                        \
    X(W_CANCELLED, 41093, SB_REFUSED, "task has been cancelled")                                             \
    X(W_REMINDED, 41094, SB_LIMITED, "remind too many times")                                                \
    X(W_RACING, 41096, SB_RETRY, "welcome is being distributed")                                             \
    X(W_EXPIRED_TOKEN, 42001, SB_RENEW, "access_token expired")                                              \
    X(W_EMPTY, 44004, SB_REFUSED, "empty text")                                                              \
    X(W_LONG, 45002, SB_REFUSED, "content too long")                                                         \
    X(W_FREQUENCY, 45009, SB_LIMITED, "api freq out of limit")                                               \
    X(W_CONCURRENCY, 45033, SB_LIMITED, "api concurrent out of limit")                                       \
    X(W_KF_NOT_GRANTED, 48007, SB_REFUSED, "kf account not delegated to this app")                           \
    X(W_NOT_ALLOWED, 48002, SB_REFUSED, "api forbidden")                                                     \
    X(W_NO_MEMBER, 60111, SB_REFUSED, "userid not found")                                                    \
    X(W_ALL_INVALID, 81013, SB_REFUSED, "user & party & tag all invalid")                                    \
    X(W_BAD_AGENT, 301002, SB_REFUSED, "agentid not match token")                                            \
    X(W_NOT_FRIEND, 84061, SB_REFUSED, "not external contact")                                               \
    X(W_NOT_GROUP, 90501, SB_REFUSED, "chatid is not external group chat")                                   \
    X(W_BAD_WEBHOOK, 93000, SB_REFUSED, "invalid webhook url")                                               \
    X(W_WEBHOOK_BANNED, 93004, SB_BANNED, "robot disabled")                                                  \
    X(W_BAD_KFID, 95000, SB_REFUSED, "invalid open_kfid")                                                    \
    X(W_KF_COUNT, 95001, SB_LIMITED, "kf send msg count limit")                                              \
    X(W_KF_TIME, 95002, SB_REFUSED, "kf send msg session expired")                                           \
    X(W_KF_TOKEN, 95007, SB_REFUSED, "invalid kf msg token")                                                 \
    X(W_KF_ENDED, 95013, SB_REFUSED, "kf conversation ended")                                                \
    X(W_KF_STATE, 95018, SB_REFUSED, "kf send msg in wrong session state")

#define SB_OFFICIAL_CODES(X)                                                                                 \
    X(O_OK, 0, SB_OK, "ok")                                                                                  \
    X(O_BUSY, -1, SB_RETRY, "system error")                                                                  \
    X(O_BAD_CREDENTIAL, 40001, SB_RENEW, "invalid credential, access_token is invalid or not latest")        \
    X(O_BAD_GRANT, 40002, SB_REFUSED, "invalid grant_type")                                                  \
    X(O_BAD_OPENID, 40003, SB_REFUSED, "invalid openid")                                                     \
    X(O_BAD_MEDIA, 40007, SB_REFUSED, "invalid media_id")                                                    \
    X(O_BAD_TYPE, 40008, SB_REFUSED, "invalid message type")                                                 \
    X(O_BAD_APPID, 40013, SB_REFUSED, "invalid appid")                                                       \
    X(O_BAD_TOKEN, 40014, SB_RENEW, "invalid access_token")                                                  \
    X(O_BAD_LIST, 40031, SB_REFUSED, "invalid openid list")                                                  \
    X(O_BAD_LIST_SIZE, 40032, SB_REFUSED, "invalid openid list size")                                        \
    X(O_ESCAPED, 40033, SB_REFUSED, "invalid charset. please check your request, if include \\uxxxx")        \
    X(O_BAD_ARGUMENT, 40035, SB_REFUSED, "invalid parameter")                                                \
    X(O_BAD_TEMPLATE, 40037, SB_REFUSED, "invalid template_id")                                              \
    X(O_BAD_MSG_ID, 40059, SB_REFUSED, "invalid msg id")                                                     \
    X(O_BAD_SECRET, 40125, SB_REFUSED, "invalid appsecret")                                                  \
    X(O_BAD_TAG, 40152, SB_REFUSED, "invalid tag id")                                                        \
    X(O_NO_TOKEN, 41001, SB_RENEW, "access_token missing")                                                   \
    X(O_NO_APPID, 41002, SB_REFUSED, "appid missing")                                                        \
    X(O_NO_SECRET, 41004, SB_REFUSED, "appsecret missing")                                                   \
    X(O_EXPIRED_TOKEN, 42001, SB_RENEW, "access_token expired")                                              \
    X(O_NOT_GET, 43001, SB_REFUSED, "require GET method")                                                    \
    X(O_NOT_POST, 43002, SB_REFUSED, "require POST method")                                                  \
    X(O_NOT_FOLLOWER, 43004, SB_REFUSED, "require subscribe")                                                \
    X(O_NO_BODY, 44002, SB_REFUSED, "empty post data")                                                       \
    X(O_EMPTY, 44004, SB_REFUSED, "empty content")                                                           \
    X(O_LONG, 45002, SB_REFUSED, "content size out of limit")                                                \
    X(O_ARTICLES, 45008, SB_REFUSED, "article size out of limit")                                            \
    X(O_DAY_QUOTA, 45009, SB_LIMITED, "reach max api daily quota limit")                                     \
    X(O_FREQUENCY, 45011, SB_LIMITED, "api minute-quota reach limit, must slower, retry next minute")        \
    X(O_WINDOW, 45015, SB_REFUSED, "response out of time limit or subscription is canceled")                 \
    X(O_MASS_QUOTA, 45028, SB_LIMITED, "has no masssend quota")                                              \
    X(O_COUNT, 45047, SB_LIMITED, "out of response count limit")                                             \
    X(O_SEEN, 45065, SB_DONE, "clientmsgid exist")                                                           \
    X(O_SEEN_TOO_FAST, 45066, SB_RETRY, "same clientmsgid retry too fast")                                   \
    X(O_CLIENTMSGID_LONG, 45067, SB_REFUSED, "clientmsgid size out of limit")                                \
    X(O_TAG, 45159, SB_REFUSED, "invalid tag name or id")                                                    \
    X(O_BAD_JSON, 47001, SB_REFUSED, "data format error")                                                    \
    X(O_BAD_DATA, 47003, SB_REFUSED, "argument invalid")                                                     \
    X(O_NOT_ALLOWED, 48001, SB_REFUSED, "api unauthorized")                                                  \
    X(O_BANNED, 48004, SB_BANNED, "api forbidden")                                                           \
    X(O_RESTRICTED, 50002, SB_BANNED, "user limited")

#define SB_CODE_ENUM(id, number, meaning, text) SB_##id = number,
enum sb_wecom_code { SB_WECOM_CODES(SB_CODE_ENUM) };
enum sb_official_code { SB_OFFICIAL_CODES(SB_CODE_ENUM) };
#undef SB_CODE_ENUM

struct sb_code {
    int number;
    enum sb_meaning meaning;
    const char *text;
};

extern const struct sb_code sb_wecom_codes[], sb_official_codes[];
extern const size_t sb_wecom_code_count, sb_official_code_count;

/* Aliyun's codes are words. */
#define SB_ALIYUN_CODES(X)                                                                                   \
    X(A_OK, SB_OK, "OK", "OK")                                                                               \
    X(A_FLOW, SB_LIMITED, "isv.BUSINESS_LIMIT_CONTROL", "触发流控")                                          \
    X(A_DAY_LIMIT, SB_LIMITED, "isv.DAY_LIMIT_CONTROL", "触发日发送限额")                                    \
    X(A_NUMBER, SB_REFUSED, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号")                                       \
    X(A_NUMBERS, SB_REFUSED, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")                          \
    X(A_SIGNATURE, SB_REFUSED, "isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法")                                \
    X(A_TEMPLATE, SB_REFUSED, "isv.SMS_TEMPLATE_ILLEGAL", "短信模板不合法")                                  \
    X(A_MISSING, SB_REFUSED, "isv.TEMPLATE_MISSING_PARAMETERS", "模板缺少变量")                              \
    X(A_JSON, SB_REFUSED, "isv.INVALID_JSON_PARAM", "JSON参数不合法,只接受字符串值")                         \
    X(A_ARGUMENT, SB_REFUSED, "isv.INVALID_PARAMETERS", "参数异常")                                          \
    X(A_LENGTH, SB_REFUSED, "isv.PARAM_LENGTH_LIMIT", "参数超出长度限制")                                    \
    X(A_REFUSED, SB_REFUSED, "isv.CUSTOMER_REFUSED", "用户已退订推广短信")                                   \
    X(A_CONTENT, SB_REFUSED, "isv.SMS_CONTENT_ILLEGAL", "短信包含禁止发送内容")                              \
    X(A_BANNED, SB_BANNED, "isv.ACCOUNT_ABNORMAL", "账户异常")                                               \
    X(A_BUSY, SB_RETRY, "isp.SYSTEM_ERROR", "系统错误")                                                      \
    X(A_THROTTLING, SB_RETRY, "Throttling.User", "Request was denied due to user flow control.")             \
    X(A_NO_KEY, SB_REFUSED, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")             \
    X(A_UNSIGNED, SB_REFUSED, "SignatureDoesNotMatch", "Specified signature does not match.")                \
    X(A_EXPIRED, SB_REFUSED, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")   \
    X(A_NONCE, SB_DONE, "SignatureNonceUsed", "Specified signature nonce was used already.")                 \
    X(A_VERSION, SB_REFUSED, "InvalidVersion", "Specified parameter Version is not valid.")                  \
    X(A_ACTION, SB_REFUSED, "InvalidAction.NotFound", "Specified api is not found.")

#define SB_ALIYUN_ENUM(id, meaning, word, text) SB_##id,
enum sb_aliyun_code { SB_ALIYUN_CODES(SB_ALIYUN_ENUM) SB_ALIYUN_CODE_COUNT };
#undef SB_ALIYUN_ENUM

struct sb_word {
    enum sb_meaning meaning;
    const char *word, *text;
};

extern const struct sb_word sb_aliyun_codes[SB_ALIYUN_CODE_COUNT];

/* "unknown error" where the platform's list does not have the number. */
const char *sb_wecom_text(int number);
const char *sb_official_text(int number);

#endif
