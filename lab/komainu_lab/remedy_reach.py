"""The causes and remedies of monitors that ask other machines (`ipw`, `tcp`); an error of one may end its node.

`komainu_lab.remedies` writes them into docs/*/messages.md, after those of the AWS resources.
"""

from komainu_lab.remedy_texts import Both, Remedy

_CUT_OFF: Both = (
    "This node is cut off: its network interface, its subnet, or the way out of its Availability Zone.",
    "このノードが孤立している。ネットワークインタフェース、サブネット、またはアベイラビリティーゾーンから外への経路の障害。",
)
_TARGET_DOWN: Both = (
    "What is asked is down or was replaced, while the node itself is well.",
    "ノードは正常で、問い合わせ先が停止しているか、置き換えられている。",
)
_FILTERED: Both = (
    "A security group, a network ACL or a firewall drops the question or the answer. `icmp` needs ICMP echo from the "
    "nodes; `tcp` the port; `dns` UDP 53.",
    "セキュリティグループ、ネットワーク ACL、ファイアウォールのいずれかが要求または応答を破棄している。`icmp` では"
    "ノードからの ICMP エコー要求、`tcp` では該当ポート、`dns` では UDP 53 の許可が必要。",
)
_NAT: Both = (
    "A NAT gateway is pinged: it never answers. Ask `tcp` or `dns` through it.",
    "NAT ゲートウェイに ping している。NAT ゲートウェイは応答しないので、その先を `tcp` または `dns` で確認する。",
)
_EIP_GONE: Both = (
    "The node has just lost an Elastic IP and has no public address yet; EC2 gives it another one within minutes, if "
    "the subnet does so.",
    "Elastic IP が移動した直後で、このノードにまだパブリックアドレスがない。サブネットが自動割り当てを行う場合は、"
    "数分で別のアドレスが割り当てられる。",
)
_SEE: Both = (
    "See from the node and from its neighbour: `ping ADDRESS`, `nc -vz HOST PORT`, `dig @SERVER NAME`. When only this "
    "node gets no answer, the fault lies on its side.",
    "このノードと他のノードの両方から `ping アドレス`、`nc -vz ホスト ポート`、`dig @サーバ 名前` を実行する。"
    "このノードだけ応答がなければ、障害はこのノードの側にある。",
)
_ENDED: Both = (
    "When the node went down by it: mend the network first, then start the node; with `komainu maintenance on` nothing "
    "is ended while you try. Several targets with `require: any` end it only when none of them answers.",
    "この異常でノードが停止した場合は、ネットワークを復旧してからノードを起動する。調査中は `komainu maintenance on` に"
    "しておくと停止しない。複数のターゲットと `require: any` を指定すると、すべてが応答しない場合だけ停止する。",
)
_NAME: Both = (
    "The name server does not answer, or does not know the name. Write an address where the service has a fixed one.",
    "ネームサーバが応答しないか、名前が登録されていない。固定アドレスのサービスであればアドレスで指定する。",
)
_LISTENS: Both = (
    "See on the target whether the service runs and listens on that address: `ss -ltn`.",
    "接続先でサービスが動作し、該当アドレスで待ち受けているか `ss -ltn` で確認する。",
)
_SLOW: Both = (
    "The target answers later than `timeout_ms` allows, or a firewall drops what it should refuse.",
    "接続先の応答が `timeout_ms` より遅いか、ファイアウォールが拒否せずに破棄している。",
)
_NOT_ASKED: Both = (
    "The kernel of this node refused to send, or a program limit was reached; the detail says which.",
    "このノードのカーネルが送信を拒否したか、プログラムの上限に達した。詳細に理由が記録されている。",
)
_PINGS: Both = (
    "For `icmp`: `sysctl net.ipv4.ping_group_range` has to admit the group of komainud, or it has to run as root.",
    "`icmp` の場合は、`sysctl net.ipv4.ping_group_range` に komainud のグループが含まれているか、"
    "root で動作する必要がある。",
)
_ALL_ASKED: Both = (
    "With `require: all` each target is needed. Write `any` when one answer is enough.",
    "`require: all` ではすべてのターゲットの応答が必要。1 つの応答で十分であれば `any` にする。",
)

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        "None of the targets answers: {targets}",
        (_CUT_OFF, _NAT, _FILTERED, _TARGET_DOWN),
        (_SEE, _ENDED),
    ),
    Remedy(
        "Not all targets answer; these do not: {targets}",
        (_TARGET_DOWN, _FILTERED, _NAT, _CUT_OFF),
        (_SEE, _ALL_ASKED, _ENDED),
    ),
    Remedy("These targets do not answer: {targets}", (_TARGET_DOWN, _FILTERED, _NAT), (_SEE,)),
    Remedy("This node could not ask {targets}", (_NOT_ASKED,), (_PINGS,)),
    Remedy("Failed to connect to {target}", (_TARGET_DOWN,), (_LISTENS,)),
    Remedy("Timeout occurred. ({target})", (_SLOW, _FILTERED, _CUT_OFF, _EIP_GONE), (_SEE, _LISTENS, _ENDED)),
    Remedy("{target} cannot be reached", (_CUT_OFF, _EIP_GONE, _FILTERED), (_SEE, _ENDED)),
    Remedy("The name of {target} cannot be resolved", (_NAME, _CUT_OFF), (_SEE,)),
    Remedy("This node could not try to connect to {target}", (_NOT_ASKED,), (_SEE,)),
)
