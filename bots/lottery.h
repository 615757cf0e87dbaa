/* SPDX-License-Identifier: Apache-2.0 */
/* lottery.h - the bot that draws: one reply to each who takes part, and a prize for some.
 *
 *   bot: lottery
 *   with: {prize: coupon-8, chance: 20%, win: "恭喜…{{ prize }}", lose: "谢谢参与…", tag: 中奖}
 *
 * `prize` is required. `chance` (default 10%) is a share of draws, in steps of 0.0001 %. `win` and `lose` are
 * Liquid with `contact`, `event` and `prize`; `tag` is put on winners. The draw depends on the event's seed
 * only, so the same event always draws the same lot, also after a crash.
 *
 * Threads  any; the ops are constant.
 */
#ifndef SIYU_BOTS_LOTTERY_H
#define SIYU_BOTS_LOTTERY_H

#include "bot.h"

extern const struct bot_ops bot_lottery;

#endif
