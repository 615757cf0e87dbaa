// SPDX-License-Identifier: Apache-2.0
// WeCom's callback cryptography a third time, by node:crypto: neither the product's nor the sandbox's code judges itself.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const BLOCK = 32;

const keyOf = (aesKey) => Buffer.from(`${aesKey}=`, 'base64');

export function signature(token, timestamp, nonce, sealed) {
    return createHash('sha1').update([token, timestamp, nonce, sealed].sort().join('')).digest('hex');
}

export function seal(aesKey, corpId, text) {
    const key = keyOf(aesKey), message = Buffer.from(text), length = Buffer.alloc(4);
    length.writeUInt32BE(message.length);
    const plain = Buffer.concat([randomBytes(16), length, message, Buffer.from(corpId)]);
    const pad = BLOCK - plain.length % BLOCK;
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
    return Buffer.concat([cipher.update(plain), cipher.update(Buffer.alloc(pad, pad)), cipher.final()]).toString('base64');
}

export function unseal(aesKey, sealed) {
    const key = keyOf(aesKey);
    const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false);
    const plain = Buffer.concat([decipher.update(Buffer.from(sealed, 'base64')), decipher.final()]);
    return plain.subarray(20, 20 + plain.readUInt32BE(16)).toString();
}

/* Body and query of one push. A repeat has the same text inside another seal. */
export function envelope({ token, aes_key: aesKey, corp_id: corpId }, text, nowMs) {
    const sealed = seal(aesKey, corpId, text);
    const timestamp = String(Math.floor(nowMs / 1000)), nonce = randomBytes(8).toString('hex');
    const signed = signature(token, timestamp, nonce, sealed);
    return {
        query: `msg_signature=${signed}&timestamp=${timestamp}&nonce=${nonce}`,
        body: `<xml><ToUserName><![CDATA[${corpId}]]></ToUserName><Encrypt><![CDATA[${sealed}]]></Encrypt></xml>`,
    };
}
