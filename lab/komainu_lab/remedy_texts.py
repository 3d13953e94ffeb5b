"""The causes and remedies that `komainu_lab.remedies` writes into docs/*/messages.md.

The order of the seed's troubleshooting chapter (chapter 7), extended by what Komainu knows beyond it.
"""

from dataclasses import dataclass

Both = tuple[str, str]
"A text in English and in Japanese."


@dataclass(frozen=True, slots=True)
class Remedy:
    """One sentence, why it is said, and what helps."""

    sentence: str
    "How the English sentence begins, placeholders and all."
    causes: tuple[Both, ...]
    actions: tuple[Both, ...]


_WAY: Both = (
    "Check the way to the region's endpoint (TCP 443): from a private subnet the route to the NAT and that the NAT "
    "runs, from a public subnet the public address of the instance; security groups, network ACLs, a proxy. With a "
    "VPC endpoint for EC2 neither a NAT nor a public address is needed.",
    "リージョンのエンドポイント (TCP 443) への経路を確認する。プライベートサブネットでは NAT へのルートと NAT の稼働、"
    "パブリックサブネットではインスタンスのパブリックアドレス。あわせてセキュリティグループ、ネットワーク ACL、"
    "プロキシを確認する。EC2 の VPC エンドポイントを使えば、NAT もパブリックアドレスも不要になる。",
)
_DETAIL: Both = (
    "Read the detail behind the message: it has the API's own error code and text.",
    "メッセージに続く詳細を読む。API のエラーコードと本文が記録されている。",
)
_ANOTHER: Both = (
    "Look whose it is now: the detail names the ENI and, where the API tells it, the instance. Make sure that no other "
    "cluster is configured with the same one.",
    "現在の割り当て先を確認する。詳細に ENI と、API から得られればインスタンスが記録されている。"
    "他のクラスタで同じものを設定していないか確認する。",
)
_BY_ITSELF: Both = (
    "The monitor has the resource restarted, which takes it back. Nothing has to be done for that; the recovery's "
    "limits keep two clusters from taking it from each other for ever.",
    "モニタが異常を検出するとリソースが再起動され、元に戻る。そのための操作は不要。2 "
    "つのクラスタが取り合いを続けることは、"
    "復旧回数の上限によって防がれる。",
)
_MET_AGAIN: Both = (
    "Mend the interconnect between the nodes. When they have met again, the later takeover keeps it.",
    "ノード間のインタコネクトを復旧する。ノードどうしの通信が戻ると、後から引き継いだ側がそのまま保持する。",
)

REMEDIES: tuple[Remedy, ...] = (
    Remedy(
        "Internal error. (status={status})",
        (
            (
                "1: the ENI of this node in the configuration is of another instance, or its device has no address.",
                "1: 構成のこのノードの ENI が別のインスタンスのものであるか、デバイスにアドレスがない。",
            ),
            (
                "2: the kernel refused to change or to list addresses; the detail has its reason.",
                "2: カーネルがアドレスの変更または一覧の取得を拒否した。理由は詳細に記録されている。",
            ),
            ("3: a defect of the program.", "3: プログラムの不具合。"),
            (
                "Neither Python nor the AWS CLI is looked for on the node, so neither can be missing.",
                "ノード上の Python や AWS CLI は使用しないため、その未インストールが原因になることはない。",
            ),
        ),
        (
            (
                "1: compare the ENI ID with the console, and its private address with `ip address`.",
                "1: ENI の ID をコンソールと照合し、そのプライベートアドレスを `ip address` の結果と照合する。",
            ),
            ("2: mend what the detail names.", "2: 詳細に示された原因を取り除く。"),
            (
                "3: report the detail; `komainu report` puts all of it into one file.",
                "3: 詳細を添えて報告する。`komainu report` で必要な情報を 1 つのファイルにまとめられる。",
            ),
        ),
    ),
    Remedy(
        "Failed in the AWS CLI command.",
        (
            (
                "No credentials: the instance has no IAM role, or its metadata service is switched off; with keys in "
                "files, they are in neither `$HOME/.aws` nor `/root/.aws`.",
                "認証情報がない。インスタンスに IAM ロールがないか、メタデータサービスが無効になっている。ファイルの"
                "キーを使う場合は、`$HOME/.aws` にも `/root/.aws` にもない。",
            ),
            (
                "`AuthFailure`, `RequestExpired`: wrong or expired keys, or the node's clock is minutes wrong.",
                "`AuthFailure`、`RequestExpired`: キーが誤っているか期限切れ、またはノードの時計が数分以上ずれている。",
            ),
            (
                "`UnauthorizedOperation`: the policy lacks the action that the detail names.",
                "`UnauthorizedOperation`: 詳細に示されたアクションがポリシーにない。",
            ),
            (
                "A wrong region, or its name does not resolve.",
                "リージョンが誤っているか、エンドポイントの名前を解決できない。",
            ),
            (
                "The connection was refused or broken, or a TLS certificate of a proxy is not trusted.",
                "接続を拒否または切断された。あるいはプロキシの TLS 証明書が信頼されていない。",
            ),
            (
                "`RequestLimitExceeded`: the account makes more calls than AWS allows. They are tried again; the "
                "message comes when the time is over.",
                "`RequestLimitExceeded`: アカウントの API 呼び出しが AWS の上限を超えている。再試行しても時間内に"
                "成功しなかった場合にこのメッセージが出る。",
            ),
        ),
        (
            _DETAIL,
            (
                "Attach the role, or correct keys and region. A role can be attached to a running instance, and keys "
                "are read afresh: neither needs a restart of the node.",
                "ロールをアタッチするか、キーとリージョンを訂正する。ロールは稼働中のインスタンスにもアタッチでき、"
                "キーは"
                "読み直されるため、どちらもノードの再起動は不要。",
            ),
            (
                "Allow `ec2:Describe*`, `ec2:ReplaceRoute`, `ec2:AssociateAddress` and `ec2:DisassociateAddress`, and "
                "what the pages of the other resources name.",
                "`ec2:Describe*`、`ec2:ReplaceRoute`、`ec2:AssociateAddress`、`ec2:DisassociateAddress` と、使用する"
                "他のリソースの説明にあるアクションを許可する。",
            ),
            (
                "Set the clock (`chronyc tracking`); in AWS 169.254.169.123 tells the time.",
                "時計を合わせる (`chronyc tracking`)。AWS では 169.254.169.123 から時刻を取得できる。",
            ),
            _WAY,
        ),
    ),
    Remedy(
        "The vpc ID '{vpc}' does not exist",
        (
            (
                "The VPC ID is wrong, or of another region or account than the credentials.",
                "VPC ID が誤っているか、認証情報とは別のリージョンまたはアカウントのものである。",
            ),
        ),
        (("Correct `vpc_id`, or the region.", "`vpc_id` またはリージョンを訂正する。"),),
    ),
    Remedy(
        "The networkInterface ID '{eni}' does not exist",
        (
            (
                "The ENI ID of this node is wrong.",
                "このノードの ENI ID が誤っている。",
            ),
            (
                "The ENI was deleted, for example with an instance that was replaced.",
                "インスタンスの作り直しなどによって ENI が削除された。",
            ),
        ),
        (
            (
                "Give the ENI that the instance has now, as `eni_id` of this node, and apply the configuration.",
                "インスタンスの現在の ENI をこのノードの `eni_id` に設定し、構成を反映する。",
            ),
        ),
    ),
    Remedy(
        "The allocation ID '{allocation}' does not exist",
        (
            (
                "The allocation ID is wrong, of another region or account, or the Elastic IP was released.",
                "アロケーション ID が誤っているか、別のリージョンまたはアカウントのものであるか、Elastic IP "
                "が解放された。",
            ),
        ),
        (
            (
                "Correct `allocation_id`. An address that was released can rarely be had again: allocate a new one and "
                "tell the clients.",
                "`allocation_id` を訂正する。解放したアドレスはほとんどの場合取り戻せない。新しいアドレスを割り当て、"
                "クライアントに周知する。",
            ),
        ),
    ),
    Remedy(
        "The hosted zone ID '{zone}' does not exist",
        (
            (
                "The hosted zone's ID is wrong, or the zone belongs to another account.",
                "ホストゾーンの ID が誤っているか、ゾーンが別のアカウントのものである。",
            ),
        ),
        (("Correct the zone's ID.", "ゾーンの ID を訂正する。"),),
    ),
    Remedy(
        "Timeout occurred.",
        (
            (
                "The region's endpoint cannot be reached: packets are dropped on the way.",
                "途中でパケットが破棄され、リージョンのエンドポイントと通信できない。",
            ),
            (
                "The API is slow, or throttles for longer than the resource's time allows.",
                "API の応答が遅い。または呼び出しの制限が、リソースのタイムアウトより長く続いている。",
            ),
            (
                "An Elastic IP was just moved: connections that were open before it are dead, and new ones are made.",
                "Elastic IP が移動した直後で、以前からの接続が使えなくなった。新しい接続が自動的に作られる。",
            ),
        ),
        (
            _WAY,
            (
                "A change may have been made all the same. Komainu says `unknown` then, and looks again; you need not.",
                "応答がなくても変更が行われた可能性はある。Komainu はその場合 `unknown` とし、自動的に再確認する。",
            ),
            (
                "By itself an API that is silent is no reason for a failover. Who wants one sets `api_failure: "
                "recover`.",
                "API の無応答だけではフェイルオーバしない。フェイルオーバさせたい場合は `api_failure: recover` "
                "を設定する。",
            ),
        ),
    ),
    Remedy(
        "The VIP address {address} belongs to a VPC subnet.",
        (
            (
                "The VIP lies in one of the VPC's CIDR blocks; secondary blocks count as well.",
                "VIP アドレスが VPC の CIDR ブロックの範囲内にある。セカンダリ CIDR ブロックも対象となる。",
            ),
        ),
        (
            (
                "Choose a VIP outside all CIDR blocks of the VPC and of the networks that it is connected to. For an "
                "address inside one subnet there is `awssip`.",
                "VPC のすべての CIDR ブロックと、接続先のネットワークの範囲外のアドレスを VIP にする。1 "
                "つのサブネット内の"
                "アドレスを使う場合は `awssip` を使用する。",
            ),
        ),
    ),
    Remedy(
        "The VIP address {address} does not exist.",
        (
            (
                "Somebody or something took the address off the network device: an administrator, a network manager, a "
                "restart of the network.",
                "管理者、ネットワーク管理ソフトウェア、ネットワークの再起動などによって、"
                "アドレスがデバイスから削除された。",
            ),
        ),
        (
            _BY_ITSELF,
            (
                "Keep network managers (NetworkManager, systemd-networkd, cloud-init) from removing foreign addresses.",
                "NetworkManager、systemd-networkd、cloud-init などが管理外のアドレスを削除しないように設定する。",
            ),
        ),
    ),
    Remedy(
        "The routing for VIP {address} was changed.",
        (
            (
                "The target of the VIP's route was changed to another ENI, or the route was deleted: by hand, by "
                "another cluster with the same VIP, by a tool that restores route tables (Terraform, CloudFormation).",
                "VIP へのルートのターゲットが別の ENI に変更されたか、ルートが削除された。手作業、同じ VIP を使う別の"
                "クラスタ、ルートテーブルを元に戻すツール (Terraform、CloudFormation) などが考えられる。",
            ),
        ),
        (
            _BY_ITSELF,
            _ANOTHER,
            (
                "Let the tool ignore the target of this route.",
                "ツール側で、このルートのターゲットを管理の対象から外す。",
            ),
        ),
    ),
    Remedy(
        "No route table of {vpc} has a route to VIP {route}",
        (
            (
                "The route was never made, or was deleted. The nodes replace it, and are not allowed to make it.",
                "ルートが作成されていないか、削除された。ノードはルートを置き換えるだけで、作成する権限を持たない。",
            ),
        ),
        (
            (
                "Add the VIP (/32, IPv6 /128) to every route table whose subnets shall reach it, pointing at the ENI "
                "of "
                "a node; then `komainu group start GROUP`.",
                "VIP に到達させるサブネットのすべてのルートテーブルに、VIP (/32、IPv6 は /128) へのルートをノードの "
                "ENI を"
                "ターゲットとして追加し、`komainu group start GROUP` を実行する。",
            ),
        ),
    ),
    Remedy(
        "Source/Dest. Check of {eni} is enabled",
        (
            (
                "The resource runs, but the VPC drops packets to the VIP, because it is no address of the ENI.",
                "リソースは正常に活性しているが、VIP が ENI のアドレスではないため、VPC が VIP "
                "宛のパケットを破棄する。",
            ),
        ),
        (
            (
                "Disable the Source/Dest. check of the ENI of every node.",
                "すべてのノードの ENI で Source/Dest. Check を無効にする。",
            ),
        ),
    ),
    Remedy(
        "{eni} does not belong to {vpc}",
        (
            (
                "The VPC ID or the ENI ID of this node is of another node.",
                "このノードの VPC ID または ENI ID に、別のノードのものが設定されている。",
            ),
        ),
        (("Correct them for this node.", "このノードの設定を訂正する。"),),
    ),
    Remedy(
        "The routing for VIP {address} points at {other}.",
        (
            (
                "The nodes have lost each other, and the other one has taken over the VIP.",
                "ノード間の通信が途絶え、相手のノードが VIP を引き継いだ。",
            ),
        ),
        (_MET_AGAIN,),
    ),
    Remedy(
        "The EIP address does not exist. (EIP ALLOCATION ID={allocation})",
        (
            (
                "The Elastic IP is not associated with this node's ENI any more: by hand, or by another cluster with "
                "the same allocation ID.",
                "Elastic IP とこのノードの ENI の関連付けが解除された。手作業や、同じアロケーション ID "
                "を使う別のクラスタなどが"
                "考えられる。",
            ),
        ),
        (_BY_ITSELF, _ANOTHER),
    ),
    Remedy(
        "The EIP address is associated with {other}.",
        (
            (
                "The nodes have lost each other, and the other one has taken over the Elastic IP.",
                "ノード間の通信が途絶え、相手のノードが Elastic IP を引き継いだ。",
            ),
        ),
        (_MET_AGAIN,),
    ),
    Remedy(
        "The private IP address {address} does not exist.",
        (
            (
                "Somebody or something took the address off the network device.",
                "アドレスがネットワークデバイスから削除された。",
            ),
        ),
        (_BY_ITSELF,),
    ),
    Remedy(
        "The private IP address {address} is not assigned to {eni} any more.",
        (
            (
                "Somebody took the secondary address from the ENI, or gave it to another one.",
                "セカンダリプライベート IP アドレスが ENI から外されたか、別の ENI に割り当てられた。",
            ),
        ),
        (_BY_ITSELF, _ANOTHER),
    ),
    Remedy(
        "The private IP address {address} does not lie in the subnet of {eni}",
        (
            (
                "The nodes are in several subnets, mostly because they are in several Availability Zones.",
                "ノードが複数のサブネットにある。多くは複数のアベイラビリティーゾーンに配置した場合である。",
            ),
        ),
        (
            (
                "Use `awsvip`, or put the nodes into one subnet.",
                "`awsvip` を使用するか、ノードを 1 つのサブネットに配置する。",
            ),
        ),
    ),
    Remedy(
        "The private IP address {address} is the primary one of {eni}",
        (("The address of a node was given.", "ノード自身のアドレスが設定されている。"),),
        (("Choose a free address of the subnet.", "サブネット内の未使用のアドレスを設定する。"),),
    ),
    Remedy(
        "The private IP address {address} is assigned to {other}.",
        (
            (
                "The nodes have lost each other, and the other one has taken over the address.",
                "ノード間の通信が途絶え、相手のノードがアドレスを引き継いだ。",
            ),
        ),
        (_MET_AGAIN,),
    ),
    Remedy(
        "The record {name} does not lead to {value} any more.",
        (
            (
                "The record was changed or deleted by hand, by a tool, or by another cluster with the same name.",
                "レコードが手作業やツール、同じ名前を使う別のクラスタによって変更または削除された。",
            ),
        ),
        (_BY_ITSELF,),
    ),
    Remedy(
        "The record {name} leads to {other}.",
        (
            (
                "The nodes have lost each other, and the other one has taken over the record.",
                "ノード間の通信が途絶え、相手のノードがレコードを引き継いだ。",
            ),
        ),
        (_MET_AGAIN,),
    ),
    Remedy(
        "The change of the record {name} has not reached all name servers",
        (
            (
                "Route 53 is slower than usual; mostly it takes less than a minute.",
                "Route 53 の反映が通常より遅れている。通常は 1 分以内に完了する。",
            ),
        ),
        (
            (
                "Wait, and look at the AWS Health Dashboard when it lasts.",
                "しばらく待つ。長引く場合は AWS Health Dashboard を確認する。",
            ),
        ),
    ),
    Remedy(
        "Invalid availability zone: [{zone}]",
        (
            (
                "The zone's name is wrong, or of another region.",
                "アベイラビリティーゾーンの名前が誤っているか、別のリージョンのものである。",
            ),
        ),
        (
            (
                "Give the zone of each node as its instance shows it, for example `ap-northeast-1a`; zone IDs "
                "(`apne1-az4`) are no names.",
                "各ノードのインスタンスに表示されるゾーン名を `ap-northeast-1a` のように設定する。ゾーン ID "
                "(`apne1-az4`) "
                "は名前ではない。",
            ),
        ),
    ),
    Remedy(
        "Availability zone {zone} is {state}.",
        (
            (
                "AWS reports a disturbance of the zone.",
                "AWS がアベイラビリティーゾーンの障害を報告している。",
            ),
        ),
        (
            (
                "Look at the AWS Health Dashboard. Move groups away from the zone before it becomes worse: "
                "`komainu group move GROUP NODE`.",
                "AWS Health Dashboard を確認する。悪化する前に `komainu group move GROUP NODE` でグループを別のゾーンの"
                "ノードへ移動する。",
            ),
        ),
    ),
)
