"""Typing errors mended by sound and by shape, against the words that the index itself uses.

Chinese typing errors are mostly a right sound with a wrong character (赔富 for 赔付), so a run of characters that
is no word, yet sounds like one the articles use, is taken for that word. Words of the language are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

_HAN = re.compile(r"[\u4e00-\u9fff]+")
_LONGEST = 8
# Question words and particles are never part of a mistyped word: 多远 is not 多元.
_FUNCTION = frozenset("的了吗呢吧么什怎哪谁几多少是有在和与及或不没也都就还被把给对从到这那为")

# Characters often taken for each other by their look; facts of the script, a group a line.
_SHAPES = (
    "己已巳 未末 土士 日曰 人入 大太犬 千干于 天夫 贝见 午牛 刀力 篷蓬 陪赔培倍 拨拔 揭竭 纷份粉 付附符 审宙 整正 诉拆 调凋 "
    "银根 很恨 保宝褓 险捡验检 资贷 货贷 债侦 券卷 驼舵 拔拨 暗喑 访仿妨 察查 神伸 客容 宣宜 传转 教数 育肓 消梢俏 费贾 "
    "者著 权杈 益盖 热执 线钱 接按 通诵 率卒 打找 击吉 黑墨 灰炭 方万 言信 语话 少小 民氏 族旅 展屉 馆管 慧彗 诈作 观现 影彩"
)
_SHAPE_GROUPS = [frozenset(group) for group in _SHAPES.split()]


@dataclass(frozen=True, slots=True)
class Correction:
    """``wrong`` was typed where the articles' word ``right`` is meant."""

    wrong: str
    right: str


@lru_cache(maxsize=16_384)
def sound(text: str) -> tuple[str, ...]:
    """Toneless pinyin of each character, with the pairs that many speakers do not tell apart made one (zh/z, n/ng, l/n)."""
    return tuple(_merge(syllable) for syllable in lazy_pinyin(text, style=Style.NORMAL))


def _merge(syllable: str) -> str:
    syllable = re.sub(r"^(z|c|s)h", r"\1", syllable)
    syllable = re.sub(r"^l", "n", syllable)
    return re.sub(r"(?<=[aei])ng$", "n", syllable)


class Speller:
    """Mends typing errors in questions against a vocabulary.

    Args:
        vocabulary: words the index uses (and company names); only Han words of 2 to 8 characters matter.
        is_word: whether a string is a word of the language, which is then left as typed.
    """

    def __init__(self, vocabulary: Iterable[str], is_word: Callable[[str], bool]) -> None:
        self._words = {word for word in vocabulary if 2 <= len(word) <= _LONGEST and _HAN.fullmatch(word)}
        self._is_word = is_word
        # A correction keeps a character where it stands, so a run without any such character is passed over at once.
        self._anchors = {
            (len(word), place, character) for word in self._words for place, character in enumerate(word)
        }
        self._by_sound: dict[tuple[str, ...], str] = {}
        for word in sorted(self._words):
            self._by_sound.setdefault(sound(word), word)
        self._by_gap: dict[tuple[int, str], list[str]] = {}
        for word in sorted(self._words):
            for position in range(len(word)):
                self._by_gap.setdefault((position, word[:position] + "_" + word[position + 1 :]), []).append(
                    word
                )

    def mend(self, text: str) -> tuple[str, tuple[Correction, ...]]:
        """The text with typing errors mended, and what was mended; the text itself when there is nothing to mend."""
        corrections: list[Correction] = []

        def mend_run(match: re.Match[str]) -> str:
            run = match[0]
            position = 0
            mended = ""
            while position < len(run):
                correction = self._at(run, position)
                if correction is None:
                    step = max(
                        (n for n in range(1, _LONGEST + 1) if run[position : position + n] in self._words),
                        default=1,
                    )
                    mended += run[position : position + step]
                    position += step
                else:
                    corrections.append(correction)
                    mended += correction.right
                    position += len(correction.wrong)
            return mended

        return _HAN.sub(mend_run, text), tuple(corrections)

    def _at(self, run: str, position: int) -> Correction | None:
        for length in range(min(_LONGEST, len(run) - position), 1, -1):
            window = run[position : position + length]
            if window in self._words:
                return None
            if not any((length, place, character) in self._anchors for place, character in enumerate(window)):
                continue
            if self._is_word(window) or (
                length == 2 and (_FUNCTION & set(window) or self._crosses_words(run, position))
            ):
                continue
            word = self._by_sound.get(sound(window)) or self._look_alike(window)
            if word and word != window and any(a == b for a, b in zip(word, window, strict=True)):
                return Correction(window, word)
        return None

    def _crosses_words(self, run: str, position: int) -> bool:
        """Whether a pair of characters is better read as the end of one word and the start of the next."""
        return any(
            self._is_word(run[max(0, position - back) : position + 1])
            for back in (1, 2)
            if position - back >= 0
        ) or any(
            self._is_word(run[position + 1 : position + 1 + ahead])
            for ahead in (2, 3)
            if position + 1 + ahead <= len(run)
        )

    def _look_alike(self, window: str) -> str | None:
        for position, character in enumerate(window):
            gap = (position, window[:position] + "_" + window[position + 1 :])
            for word in self._by_gap.get(gap, ()):
                if any(character in group and word[position] in group for group in _SHAPE_GROUPS):
                    return word
        return None
