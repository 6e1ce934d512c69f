"""The words to which the owner of a camera agrees. A change of them is a new version; none is changed."""

from __future__ import annotations

import hashlib
from typing import Literal

Language = Literal["zh", "en"]
VERSION = "1"

_ZH = (
    "一、我有权处分这台摄像机的画面。它不在客房、宿舍、浴室、卫生间、更衣室、母婴室、试衣间等法律禁止"
    "安装的地方，也不对着这些地方或他人住宅内部。\n"
    "二、{community}仅为维护公共安全使用这台摄像机的画面，用我在本页勾选的规则自动分析，只"
    "在我设定的时段内使用。不进行人脸识别，不公开，不用于其他目的。\n"
    "三、触发告警时，保存当时的图片和前后数十秒的录像；经值班人员确认后，可以提供给公安机关。其他画面"
    "只保留数十秒。\n"
    "四、值班人员每次查看这台摄像机的图片、录像或预览，都有记录：谁、何时、看了什么。我随时可以在我的"
    "专用链接中看到。\n"
    "五、我可以随时暂停共享，或者撤回同意，不需要说明理由，也不影响此前的处理。撤回后数秒内停止接入，"
    "立即删除密码和地址，并删除法律不要求保存的图片和录像。保留的有：已由值班人员确认并提供给公安机关"
    "的、正在处置的，以及公共场所摄像机依照《公共安全视频图像信息系统管理条例》未满三十日的。已经送出"
    "的不能收回。\n"
    "六、公共场所的摄像机，我已经设置或者将立即设置醒目的提示标识。\n"
    "七、摄像机的地址和密码加密保存，只用于读取画面。"
)

_EN = (
    "1. I may decide about the pictures of this camera. It is not in a guest room, dormitory, "
    "bathroom, toilet, changing, nursing or fitting room, or another place where the law forbids "
    "cameras, and looks neither into one nor into anybody's home.\n"
    "2. {community} uses its pictures for public security only, looks at them by the rules that I "
    "have ticked on this page, and only in the hours that I have set. There is no face "
    "recognition, nothing is published, and they are used for nothing else.\n"
    "3. Where an alarm is raised, the picture and a film of some tens of seconds are kept; after "
    "a person on duty has confirmed it, the police may get them. All other pictures are kept for "
    "some tens of seconds.\n"
    "4. Each time somebody on duty looks at a picture, a film or a preview of this camera, it is "
    "written down who it was, when, and what they saw. I can read that at any time by my own "
    "link.\n"
    "5. I can pause at any time, or withdraw my consent, without giving a reason; what was done "
    "before stays lawful. Within seconds the camera is no longer read, its password and address "
    "are deleted at once, and so are the pictures and films that the law does not require to be "
    "kept. Kept is what a person on duty has confirmed for the police, what is being dealt with, "
    "and of cameras in public places what is younger than thirty days (State Council decree 799). "
    "What was sent cannot be called back.\n"
    "6. Where the camera looks at a public place, a conspicuous sign says so, or I put it up at "
    "once.\n"
    "7. Address and password of the camera are kept encrypted, and used only to read its "
    "pictures."
)


def words(language: Language, community: str) -> str:
    """Return the words of the newest version, as they are shown in full."""
    return (_ZH if language == "zh" else _EN).format(community=community)


def given(language: Language, community: str, name: str) -> dict[str, str]:
    """Return what is kept of a consent: version and words, their digest, and who agreed."""
    text = words(language, community)
    return {
        "version": VERSION,
        "language": language,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "text": text,
        "name": name,
    }
