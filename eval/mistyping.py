"""Typing errors as people make them: a word of the same sound, or a character that looks alike."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256

from pypinyin import Style, lazy_pinyin

from index.lexical import segmenter

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_NUMERAL = frozenset("零〇一二两三四五六七八九十百千万亿几第")
# Words that make it a question, or deny: mistyped, they ask something else or nothing.
_FUNCTION = frozenset(
    (
        "什么", "多少", "怎么", "怎样", "如何", "哪些", "哪个", "哪家", "哪里", "哪年", "哪天", "几个", "几家", "几次",
        "为什么", "为何", "是否", "是不是", "有没有", "能不能", "会不会", "可以", "请问", "没有", "不是", "不能", "以及", "还是",
        "或者", "我们", "咱们", "他们", "她们", "你们", "它们", "这个", "那个", "这些", "那些", "一下", "去年", "今年",
        "明年", "最多", "最少", "分别",
    )
)  # fmt: skip
_FUNCTION_CHARACTERS = frozenset("这那有哪是在的了没不谁什么怎和与各要会能可被把给让")
_OFFERED = 3
_KNOWN_WORD = 30


Span = tuple[int, int]


def draw(*parts: str) -> int:
    """A number that is always the same for the same parts, and looks like chance."""
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8], "big")


def _words(text: str, kept: Sequence[Span]) -> list[tuple[int, str]]:
    """The content words of a question that may be mistyped, each with its place."""
    found: list[tuple[int, str]] = []
    place = 0
    for word in segmenter().cut(text, HMM=False):
        end = place + len(word)
        named = any(place < stop and start < end for start, stop in kept)
        plain = 2 <= len(word) <= 4 and _HAN.fullmatch(word) and not _NUMERAL & set(word)
        if plain and not named and word not in _FUNCTION and not _FUNCTION_CHARACTERS & set(word):
            found.append((place, word))
        place = end
    return found


def _replaced(text: str, place: int, old: str, new: str) -> str:
    return text[:place] + new + text[place + len(old) :]


def _sound(word: str) -> str:
    return " ".join(lazy_pinyin(word, style=Style.NORMAL))


@cache
def _homophones() -> Mapping[str, tuple[str, ...]]:
    """Words of two characters by sound, the most frequent first: what an input method offers first."""
    frequencies: Mapping[str, int] = segmenter().FREQ
    by_sound: dict[str, list[str]] = defaultdict(list)
    for word, count in frequencies.items():
        if len(word) == 2 and count >= _KNOWN_WORD and _HAN.fullmatch(word):
            by_sound[_sound(word)].append(word)
    return {
        sound: tuple(sorted(words, key=lambda word: (-frequencies[word], word)))
        for sound, words in by_sound.items()
        if len(words) > 1
    }


@cache
def _homophone_characters() -> Mapping[str, tuple[str, ...]]:
    frequencies: Mapping[str, int] = segmenter().FREQ
    by_sound: dict[str, list[str]] = defaultdict(list)
    for character, count in frequencies.items():
        if len(character) == 1 and count >= _KNOWN_WORD and _HAN.fullmatch(character):
            by_sound[_sound(character)].append(character)
    return {
        sound: tuple(sorted(characters, key=lambda one: (-frequencies[one], one)))
        for sound, characters in by_sound.items()
    }


def typed_by_sound(text: str, kept: Sequence[Span], seed: str) -> str | None:
    """One word typed as another of the same sound, or with one character of the same sound; None where no word
    outside the ``kept`` spans ``(start, end)`` can be. ``seed`` decides which."""
    words = _words(text, kept)
    if not words:
        return None
    place, word = words[draw(seed, "typo_pinyin") % len(words)]
    others = [other for other in _homophones().get(_sound(word), ()) if other != word]
    # Two wrong characters in two are no slip of the finger unless the input method offers that word.
    near = [
        other for other in others[:_OFFERED] if sum(a == b for a, b in zip(word, other, strict=True)) == 1
    ]
    if near:
        return _replaced(text, place, word, near[0])
    position = draw(seed, "position") % len(word)
    character = word[position]
    same = [
        other
        for other in _homophone_characters().get(_sound(character), ())
        if other not in (character, *_NUMERAL) and other not in word
    ]
    return _replaced(text, place + position, character, same[0]) if same else None


# Characters taken for each other by their look, as written by hand or read off a screen.
_LOOK_ALIKE = (
    "己已 已己 未末 末未 土士 士土 日曰 人入 入人 大太 太大 天夫 夫天 干于 千干 贝见 见贝 午牛 刀力 力刀 由田 甲申 申甲 今令 令今 "
    "乌鸟 鸟乌 兔免 免兔 住往 往住 侯候 候侯 倍培 培陪 陪赔 赔陪 货贷 贷货 资货 责贵 贵责 贯贵 货贸 券卷 卷券 拨拔 拔拨 折拆 拆折 析折 诉拆 "
    "晴睛 睛晴 清请 请清 情清 精情 辩辨 辨辩 辫辩 栽裁 裁栽 戴载 载戴 徙徒 徒徙 遣遗 遗遣 遭遣 篷蓬 蓬篷 蓝篮 篮蓝 幕墓 暮慕 慕暮 募幕 梢稍 稍梢 "
    "消梢 捎消 哨消 俱具 具县 且具 直真 真直 宣宜 宜宣 官宫 宫官 管菅 客容 容客 宪完 完宗 宗完 究穷 穷究 空室 家冢 安妥 字宇 宇字 "
    "检捡 险捡 验险 险验 俭检 签答 答签 策第 筹等 笔毛 等筹 星晨 是足 普晋 晋普 查杏 杏查 杳查 香杳 "
    "审宙 宙审 核该 该核 刻核 询洵 讯迅 迅讯 讨付 计讨 议仪 仪议 识织 织识 职识 认让 让认 证怔 评坪 坪评 诈作 作诈 话活 活话 语浯 说悦 "
    "调凋 凋调 谁推 推谁 准难 难准 维唯 唯维 推椎 谅凉 线钱 钱线 浅线 残线 级极 极级 纷份 份纷 纠纤 纤纠 纪记 约药 络洛 终络 结洁 绍招 招绍 "
    "经径 径经 续绩 绩续 累垒 务条 条务 处外 外处 备各 各备 名各 复夏 夏复 冬各 变奕 交文 效郊 郊效 教孝 放故 故放 政攻 攻政 "
    "权杈 杈权 村林 林村 析林 机杌 板版 版板 标际 际标 样祥 祥样 格恪 极板 构沟 沟构 购构 枸构 柱住 注柱 进迸 迸进 近迈 迈近 远运 运远 "
    "这过 过这 还坏 坏还 达迭 迭达 建健 健建 键建 延廷 廷延 适活 退腿 送迭 通诵 诵通 道首 遇偶 偶遇 逛狂 诚城 城诚 成戍 或戒 戒或 "
    "员贡 贡员 负贡 质盾 盾质 贪贫 贫贪 财材 材财 则侧 侧则 测侧 侧测 例列 列例 刑形 形刑 划戈 判叛 剑创 刷涮 制剃 到倒 倒到 副幅 幅副 "
    "金全 全金 会合 合会 分兮 企仓 仓企 余佘 介价 价介 任仕 仕任 件伴 伴件 仿纺 访仿 方万 防妨 妨防 房户 旅族 族旅 施旋 旋施 "
    "看着 着看 眼银 银根 根跟 跟根 很狠 恨很 限眼 热执 执热 势热 熟热 黑墨 墨黑 点占 照熙 灰恢 炭灰 "
    "打扛 扛打 扣扛 找我 我找 批比 投没 没投 设没 没设 技枝 枝技 抖料 护沪 沪护 拒柜 柜拒 担但 但担 拍柏 拥用 招拐 挖控 接按 按接 排徘 "
    "推堆 提堤 堤提 换唤 唤换 握屋 援缓 缓援 暖缓 搭塔 塔搭 播番 撞幢 撤撒 撒撤 操澡 澡操 "
    "观现 现观 规现 视祝 祝视 觉党 党觉 堂党 常堂 赏常 尝堂 堂赏 带常 店唐 庆厌 序库 库序 应庆 庭廷 底低 低底 "
    "岗刚 岸崖 地池 池地 址止 坊访 坚竖 竖坚 块快 快块 城域 域城 境镜 镜境 墙培 声壳 壳声 士王 王玉 玉王 班斑 斑班 环坏 球求 琐锁 锁琐 "
)  # fmt: skip


@cache
def _look_alikes() -> Mapping[str, str]:
    pairs: dict[str, str] = {}
    for pair in _LOOK_ALIKE.split():
        pairs.setdefault(pair[0], pair[1])
    return pairs


def typed_by_look(text: str, kept: Sequence[Span], seed: str) -> str | None:
    """One character of a word outside the ``kept`` spans ``(start, end)`` taken for one that looks like it; None where
    none does. ``seed`` decides which."""
    places = [
        (place + offset, character)
        for place, word in _words(text, kept)
        for offset, character in enumerate(word)
        if character in _look_alikes()
    ]
    if not places:
        return None
    place, character = places[draw(seed, "typo_shape") % len(places)]
    return _replaced(text, place, character, _look_alikes()[character])
