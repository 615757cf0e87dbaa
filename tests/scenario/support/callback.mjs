// SPDX-License-Identifier: Apache-2.0
// Callbacks as WeCom and official accounts push them, made here with node:crypto only: AES-256-CBC, padding to 32,
// random[16] | length | message | receiveid, SHA-1 over the sorted parts.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const keyOf = (aesKey) => Buffer.from(`${aesKey}=`, 'base64');

export function encrypt(aesKey, message, receiveId) {
    const key = keyOf(aesKey);
    const text = Buffer.from(message), id = Buffer.from(receiveId);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    const plain = Buffer.concat([randomBytes(16), length, text, id]);
    const pad = 32 - plain.length % 32;
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
    return Buffer.concat([cipher.update(Buffer.concat([plain, Buffer.alloc(pad, pad)])), cipher.final()]).toString('base64');
}

export function decrypt(aesKey, encrypted) {
    const key = keyOf(aesKey);
    const cipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
    const plain = Buffer.concat([cipher.update(encrypted, 'base64'), cipher.final()]);
    const end = 20 + plain.readUInt32BE(16), pad = plain.at(-1);
    return { message: plain.subarray(20, end).toString('utf8'),
             receiveId: plain.subarray(end, plain.length - pad).toString('utf8') };
}

export const sign = (...parts) => createHash('sha1').update(parts.sort().join('')).digest('hex');

/* Query and body of one encrypted push; `change` may put other values in, or a `body` of its own. */
export function seal(connection, message, change = {}) {
    const timestamp = String(change.timestamp ?? Math.floor(Date.now() / 1000));
    const nonce = randomBytes(8).toString('hex');
    const encrypted = encrypt(connection.aes_key, message, change.receiveId ?? connection.corp_id ?? connection.appid);
    const signature = change.signature ?? sign(connection.token, timestamp, nonce, encrypted);
    return {
        /* What an official account signs besides; WeCom leaves it out and the gateway ignores it there. */
        query: `signature=${sign(connection.token, timestamp, nonce)}&encrypt_type=aes&` +
            `msg_signature=${signature}&timestamp=${timestamp}&nonce=${nonce}`,
        body: change.body?.(encrypted) ??
            `<xml><ToUserName><![CDATA[to]]></ToUserName><Encrypt><![CDATA[${encrypted}]]></Encrypt></xml>`,
    };
}
