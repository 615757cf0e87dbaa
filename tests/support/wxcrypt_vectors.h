/* SPDX-License-Identifier: Apache-2.0 */
/* wxcrypt_vectors.h - envelopes of WeCom and official accounts, as the platforms and independent clients
 * make them. Shared by the tests and the seed corpus of the fuzzer.
 */
#ifndef SIYU_TESTS_WXCRYPT_VECTORS_H
#define SIYU_TESTS_WXCRYPT_VECTORS_H

#include <stddef.h>

struct wxcrypt_vector {
    const char *name, *token, *aes_key, *receiveid, *timestamp, *nonce, *random16, *message, *encrypted;
    const char *signature; /* NULL: not given */
};

static const struct wxcrypt_vector wxcrypt_vectors[] = {
    {"wecom V1", "wecomGatewayTok2026", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", "ww1234567890abcdef",
     "1767225600", "nonceA1", "0123456789abcdef", "1616140317555161061",
     "UzSncTXNGODz4PjzLaDyh5Xl8wiBo0pA8UVT6UAS4fRWS8rEgorG9PShIDtJuTKoQx/WY02/i6J3/ij5sVMqUQ==",
     "68f95253e7152c7a9c1587daf6dbd817ebda00e6"},
    {"wecom V2", "wecomGatewayTok2026", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", "ww1234567890abcdef",
     "1767225600", "nonceB2", "0123456789abcdef",
     "<xml><ToUserName><![CDATA[ww1234567890abcdef]]></ToUserName><FromUserName><![CDATA[sys]]"
     "></FromUserName><CreateTime>1767225600</CreateTime><MsgType><![CDATA[event]]></MsgType><"
     "Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[add_external_conta"
     "ct]]></ChangeType><UserID><![CDATA[zhangsan]]></UserID><ExternalUserID><![CDATA[wmABCDEF"
     "G]]></ExternalUserID><State><![CDATA[shop01]]></State><WelcomeCode><![CDATA[WC_0001]]></"
     "WelcomeCode></xml>",
     "UzSncTXNGODz4PjzLaDyh4VaPUDENvyGxxffY2/yvI3/XWQ+xcM5D+FVorlFlAxtwa112h9XlRoWpYAYOB62VmTi"
     "07RrLCigqRMhM/f+gddXAnhVl3aU/jlbgZRH0F7bQH63Pecmaltqal1LQQHHw3uNSpvP0JdgRzDm2VX7zh4j8b63"
     "UYC3WcJDQOnRDLODbDDxS1z1GNBY5cxe/VSa847Eig0SV6fDZBRA5RcdbxbgZh39+FnQzDLATjGycvLM3U5qV59L"
     "G88aLTxgvtfXNIqG3jhBcC1iAhh+V2ygHl6FIWhvk2FnsRiNbtbZk2ihFCW4/pMnDjommQejQF/PYdL9qWkstj/N"
     "gmYgsBz4lwLrZ1HM7A7obIWQYfzVpT1pd5P3nQscUxHzrW7Sux83QCIP68pZ23umkNGE8C+ZqWVbD7Zn6M6EoJp+"
     "d1aIM1koJpq48MqfoTJhzWMQJTMC3JexFf7i7a++x3zCYw3PQrORtErpwI6OWcYNsSdCm6Mmj69QUkRXTWHqXgwm"
     "3NdsdI3X1OBqU/SkbBR42WvSyZTAWWwcbr6OjYnaZGB1tF1YhKroWDuARSdQkrMqJ/kxYSrkQt6lt5BvGh5BASWu"
     "LXlqlrh0JQJhMGJBz0139wjHxZhq2UFzp6DA2ZNBrx5SSpO4+gd8nbXyYg6FjEG79Oc=",
     "901d11dab839986b898787c49fc081cb2c290817"},
    {"wecom V3", "wecomGatewayTok2026", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", "ww1234567890abcdef",
     "1767225600", "nonceC3", "0123456789abcdef",
     "<xml><ToUserName><![CDATA[zhangsan]]></ToUserName><FromUserName><![CDATA[ww1234567890abc"
     "def]]></FromUserName><CreateTime>1767225601</CreateTime><MsgType><![CDATA[text]]></MsgTy"
     "pe><Content><![CDATA[你好]]></Content></xml>",
     "UzSncTXNGODz4PjzLaDyh/Su6680Z1Un2Th2wQTS3f+nhUH44s5XMAZ1gzzJlURi5xVQvQeVWVRG/g8X/P14dQj+"
     "KIXNkssB3/9+d3mbncJF54d4Pld/VL1YrSWVZV12yJ5fsEDKWQfQMuBfquQvB711V9Qi4klzJ7bzg+cMXFKmv4+t"
     "ioZ83kesyA5FjNIXWtQ8YD+hufFxjK0Y6riXpf2TLjOVHrKkM17QFBsH5eBopt1e+1i4P00AyvBa6MwC8DiFo7yx"
     "uM8tSkCJGKMjKihM82q/rw1ie00BlIVubOA1mg2nyPidht6YEVfQLjhBIaMhcqw19rZakpgwJx+FbMWJ35KA3rTm"
     "PPiZX5uZ8VXBAv9NtpRw8lmJtEQqm6dJ",
     "cbceba5541a415df7ef819aab9ffa9914a4f2954"},
    {"wecom V4", "wecomGatewayTok2026", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", "", "1767225600",
     "nonceD4", "0123456789abcdef",
     "{\"msgid\":\"M1\",\"aibotid\":\"B1\",\"chattype\":\"single\",\"from\":{\"userid\":\"zhan"
     "gsan\"},\"msgtype\":\"text\",\"text\":{\"content\":\"hi\"}}",
     "UzSncTXNGODz4PjzLaDyhw/L7jx9aaDnJl/s6AfPdETSWBkzmxXrmvlrNNXQ1zEmImtDJvOXLcqzg1EWR+T0hK7V"
     "/YK17EcS7njP+7A5wE8aEEXc/K+ezXbg0PIRJiRscfDrExROGoao8TlLSEwyDO1wvAtJx+nOBwhgIwNd9WJ9+PRT"
     "k+USb0fpE6rOFuGS7cV1huDrhIXQKQXv96LOvQ==",
     "9969d920dbca99166b42b1c97b5d4d36521acd3c"},
    {"wecom V5", "wecomGatewayTok2026", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY", "ww1234567890abcdef",
     "1767225600", "nonceE5", "0123456789abcdef", "abcdefghijklmnopqrstuvwxyz",
     "UzSncTXNGODz4PjzLaDyh+VYtkZDdw+gbgmb8QmVCZZX5eTXe4wap9qTR2RazdKjbKioSw3fv4k/ZV+ECOdvt2bX"
     "ATogxsNBTYSUeGD0vhgUtowPwYXFUVxNtEoe3xEh",
     "43e60f12a9c78d245de5ff98dbd19c28242974d5"},
    {"wecom debug page", "kjr2TKI8umCBfVF3wAHk8JiPwma5VBme", "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws",
     "ww6a112864f8022910", "1583940690", "VHh7ymSeb0jc4lSb", "5QMsYcwjR95t2vmC", "94966531020182955848408",
     "6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w==",
     "1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011"},
    {"official 4.3", "AAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "wxba5fad812f8e6fb9",
     "1714112445", "415670741", "a8eedb185eb2fecf",
     "{\"ToUserName\":\"gh_97417a04a28d\",\"FromUserName\":\"o9AgO5Kd5ggOC-bXrbNODIiE3bGY\",\""
     "CreateTime\":1714112445,\"MsgType\":\"event\",\"Event\":\"debug_demo\",\"debug_str\":\"h"
     "ello world\"}",
     "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJG"
     "QqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrf"
     "MZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgR"
     "tWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=",
     "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"},
    {"official 4.3 reply", NULL, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "wxba5fad812f8e6fb9", NULL,
     NULL, "707722b803182950", "{\"demo_resp\":\"good luck\"}",
     "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==", NULL},
    {"official 4.4", "gw_oa_token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx1234567890abcdef",
     "1735689600", "20250101", "0123456789abcdef",
     "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA[oTest000"
     "00000000000000000001]]></FromUserName><CreateTime>1735689600</CreateTime><MsgType><![CDA"
     "TA[text]]></MsgType><Content><![CDATA[你好]]></Content><MsgId>24000000000000001</MsgId></x"
     "ml>",
     "Q3stYC6hdFzMh9T8HCvyDFYqp+WRA4JhXTSMyMJMcetdiNVcMrNQ+2F56y/mfUu346XuLdO3uRNCaHHHeD8eSnKv"
     "8MR2VST5AxWsQ6pzYRV5hIIzdl4G54ii8xp5Ncy9K43Oj7ZZCBlCYarHHHqWfiwsYhEz7VwrkiTv9AaggaSd6wfD"
     "sE8RonSfRUxJh9QGbrU0s1VSWplPOrd+6Zii53STezs2BzCGSIxZ3tt26raDG4EwZnPUF/XyJBlIt/KozyOA+Cis"
     "AWBI6KGS1rphPqCJNreUITOYJCeuXldYzD4IfQMJCqPKCToTQwql6HbkzJqtG8sNbGO3Z3wRYWdZVj11Ul76lA5Z"
     "YVUsXc8GHDaE7bRs5bN6gfkUo6NMwiG8ilaD28wBbeJqZvJPNshQaH2aGF7UkiPIfV9BTi8pa2c=",
     "0369dadee1507613e6d27ef388f6c2be2806bba6"},
    {"official 4.4 reply", "gw_oa_token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx1234567890abcdef",
     "1735689601", "777001", "fedcba9876543210",
     "<xml><ToUserName><![CDATA[oTest00000000000000000000001]]></ToUserName><FromUserName><![C"
     "DATA[gh_0123456789ab]]></FromUserName><CreateTime>1735689601</CreateTime><MsgType><![CDA"
     "TA[text]]></MsgType><Content><![CDATA[收到]]></Content></xml>",
     "DpQeJfnf/MGZ/+GTIspwVF7dGxwINw03DhAg5nb39UbTDajdcQWXYN2FyREf3wjv8tssxxa/pFwPEtX3NH/dr4Sy"
     "DpDKpcCQQsTYAjvDvpENyrooM7SHCp/M1JK0ayR9k7F/xrvbTszYRGJhbXbFmia/tedxbSfLRFy3HvKn/kUY6JqF"
     "vkZoduKNB7GSPyPVPwxF+Jm3hqjeyXHsX5oXVVYf4AtR2UndkqhBHT4n8M+eDuFxANUpeBM1AUvcU4iR2PhVPmX6"
     "MbY8Vv5t+WREjSBjfHSnHFYyJFSZVp6IjTeLZJl3nSn3ogepy9KYWi1k9wHK1h+CmEStkUtHHFCztQkummV+6Foi"
     "ETXtmwqskeD5Os+vP3EIp8KiCzQHGo/N",
     "4c9f004060e7eca1cf258f3a672df02048728b42"},
};

enum { WXCRYPT_VECTORS = sizeof(wxcrypt_vectors) / sizeof(wxcrypt_vectors[0]) };

#endif
