"""The causes and remedies of what AWS announces (`awsevw`), and of a zone that is told of no more (`awsazw`).

`komainu_lab.remedies` writes them into docs/*/messages.md, after those of `komainu_lab.remedy_texts`.
"""

from komainu_lab.remedy_texts import Both, Remedy

_MOVE: Both = (
    "Where the policy is `drain` the groups have left already. Else move them while there is time: "
    "`komainu group move GROUP NODE`.",
    "方針が `drain` であれば、グループはすでに移動している。そうでなければ、猶予があるうちに "
    "`komainu group move GROUP NODE` で移動する。",
)
_SPOT_COMES: Both = (
    "A cluster of spot instances can lose all its nodes at once: have one node at least that is none.",
    "スポットインスタンスだけのクラスタは全ノードを同時に失うことがある。スポットでないノードを 1 台以上用意する。",
)
_METADATA: Both = (
    "On the node: `curl -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "
    "http://169.254.169.254/latest/api/token`. It has to answer with a token; else switch the service on for the "
    "instance (`HttpEndpoint`), and look for a firewall rule or a route that takes 169.254.169.254 away.",
    "ノードで `curl -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "
    "http://169.254.169.254/latest/api/token` を実行する。トークンが返らなければ、インスタンスのメタデータサービス "
    "(`HttpEndpoint`) を有効にし、169.254.169.254 への通信を妨げるファイアウォールやルートがないか確認する。",
)
_OFF: Both = (
    "The metadata service is switched off for the instance, or something on the node keeps it from reaching it.",
    "インスタンスのメタデータサービスが無効であるか、ノード上の設定により通信できない。",
)

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        "AWS has scheduled maintenance of this instance: {events}",
        (
            (
                "The hardware below the instance is maintained or retired, or its host is rebooted.",
                "インスタンスの基盤となるハードウェアの保守、廃止、またはホストの再起動が予定されている。",
            ),
        ),
        (
            _MOVE,
            (
                "`instance-stop` and `instance-retirement`: with the groups elsewhere, stop and start the instance "
                "yourself; it comes up on other hardware and the event is over.",
                "`instance-stop` と `instance-retirement` の場合は、グループを移動した後にインスタンスを停止して起動"
                "する。別のハードウェアで起動し、イベントは解消する。",
            ),
            (
                "`system-reboot` and `instance-reboot`: with the groups elsewhere wait for it, or choose another time "
                "in the EC2 console. A new time is told again.",
                "`system-reboot` と `instance-reboot` の場合は、グループを移動して待つか、EC2 コンソールで日時を変更"
                "する。変更後の日時はあらためて通知される。",
            ),
        ),
    ),
    Remedy(
        "AWS is going to interrupt this spot instance: {events}",
        (
            (
                "EC2 needs the capacity, or the price is above your limit.",
                "EC2 が容量を必要としているか、価格が上限を超えた。",
            ),
        ),
        (_MOVE, _SPOT_COMES),
    ),
    Remedy(
        "AWS may interrupt this spot instance soon: {events}",
        (
            (
                "EC2 sees a higher risk for the instance. An interruption may follow, or never come.",
                "EC2 がこのインスタンスの中断リスクの上昇を検出した。中断されるとは限らない。",
            ),
        ),
        (_MOVE, _SPOT_COMES),
    ),
    Remedy(
        "The Auto Scaling group is going to stop or end this instance: {events}",
        (
            (
                "The group scales in, replaces an unhealthy instance, refreshes its instances, or puts this one into "
                "its warm pool (`Warmed:Stopped`, `Warmed:Hibernated`).",
                "グループの縮小、異常なインスタンスの置き換え、インスタンスの更新、またはウォームプールへの移動 "
                "(`Warmed:Stopped`、`Warmed:Hibernated`)。",
            ),
        ),
        (
            _MOVE,
            (
                "Give the nodes scale-in protection, and the group a termination hook that leaves enough time. Nodes "
                "of a cluster do not belong into a group that scales by load.",
                "ノードにスケールイン保護を設定し、グループには十分な猶予のある終了ライフサイクルフックを設定する。"
                "クラスタのノードを負荷に応じて増減するグループに含めない。",
            ),
        ),
    ),
    Remedy(
        "AWS has announced {count} events for this instance: {events}",
        (("More than one announcement holds at once.", "複数の通知が同時に有効である。"),),
        (
            (
                "Take the one that comes first for the measure; each kind has its own entry here.",
                "最も早いものに合わせて対処する。種類ごとの対処はそれぞれの項を参照する。",
            ),
            _MOVE,
        ),
    ),
    Remedy(
        "The instance metadata service does not answer, or not in full; AWS has announced for this instance: {events}",
        (
            _OFF,
            (
                "What was announced before is not taken back by silence: it may be so still.",
                "以前の通知は、応答がないことを理由に取り消されない。現在も有効な可能性がある。",
            ),
        ),
        (
            _METADATA,
            (
                "Look in the EC2 console whether the announcement still holds. When it is over, and the service cannot "
                "be mended: `komainu monitor suspend NAME`, then `resume`; a new round knows nothing of it.",
                "EC2 コンソールで通知がまだ有効か確認する。解消しており、サービスを復旧できない場合は、"
                "`komainu monitor suspend NAME` の後に `resume` を実行する。新しい監視は以前の通知を引き継がない。",
            ),
        ),
    ),
    Remedy(
        "The instance metadata service does not answer: it is not known what AWS announces.",
        (_OFF,),
        (_METADATA,),
    ),
    Remedy(
        "Availability zone {zone} was {state} when AWS answered last",
        (
            (
                "AWS has said that the zone is unavailable, and now this node cannot reach the API: in a zone that is "
                "not available that is to be expected.",
                "AWS がゾーンの停止を報告した後、このノードから API に接続できなくなった。"
                "停止したゾーンでは起こり得る。",
            ),
        ),
        (
            (
                "Look at the AWS Health Dashboard from elsewhere. The error ends when AWS tells another state.",
                "別の場所から AWS Health Dashboard を確認する。AWS が別の状態を返すと、この異常は解消する。",
            ),
        ),
    ),
)
