// SPDX-License-Identifier: Apache-2.0
// The npm `wechat` middleware as its README shows it, answering from a map. It keeps nothing: no log, no contacts.
'use strict';
const { createServer } = require('node:http');
const connect = require('connect');
const wechat = require('wechat');

const [port, token, appid, encodingAESKey, rules] = process.argv.slice(2);
const replies = new Map();
for (let i = 0; i < Number(rules); i++)
    replies.set(`词${String(i).padStart(4, '0')}号`, `答复${i}`);

const app = connect();
app.use((req, res, next) => {
    req.query = Object.fromEntries(new URL(req.url, 'http://localhost').searchParams);
    next();
});
app.use(wechat({ token, appid, encodingAESKey, checkSignature: true }, (req, res) => {
    res.reply(replies.get(req.weixin.Content.slice(0, 6)) ?? '');
}));
createServer(app).listen(Number(port), '127.0.0.1');
