"""What an exported file calls what happened, in Chinese: it is read where no console is."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.notice_text import CHANGES

_OTHERS: Mapping[str, str] = {
    "spoken": "已喊话",
    "repeated": "再次喊话",
    "unsaid": "未能喊话",
    "muted": "不再通知",
    "evidence": "图片",
    "delivered": "已送达",
    "delivery_failed": "未送达",
    "stopped": "停止播放",
    "called": "值班员喊话",
    "hushed": "值班员停止广播",
    "acknowledged": "已受理",
    "photographed": "现场照片",
    "overdue": "处置超时",
    "tier_due": "等待值班员上报",
    "rung": "呼叫值班人员",
    "receipt": "接收方回执",
    "export_asked": "申请导出",
    "export_approved": "批准导出",
    "export_refused": "拒绝导出",
    "export_ended": "导出申请过期",
    "exported": "已导出",
}
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "timeline": ("时间", "事项", "人员", "说明", "代码", "数据"),
    "deliveries": (
        "编号",
        "接收方",
        "类型",
        "内容",
        "状态",
        "结果",
        "回执说明",
        "尝试次数",
        "创建时间",
        "完成时间",
        "耗时（秒）",
    ),
    "pictures": ("文件", "拍摄时间", "摄像头或人员", "原图 SHA-256"),
}


def happened(kind: str) -> str:
    """Return what a kind of change is called."""
    return _OTHERS.get(kind) or CHANGES["zh"].get(kind, kind)
