"""Why a product is not measured, in two languages."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "level_1": (
            "Level-1 product, not surface reflectance; order Collection 2 Level-2.",
            "一级产品,不是地表反射率;请订购第二集合二级产品。",
        ),
        "collection_1": (
            "Collection 1 product; order the scene from Collection 2 Level-2.",
            "第一集合产品;请改用第二集合二级产品。",
        ),
        "pre_collection": (
            "made before the Collections, its pixels have no comparable quality band; "
            "order the scene from Collection 2 Level-2.",
            "集合化之前的产品,没有可比的质量波段;请改用第二集合二级产品。",
        ),
        "tile_product": (
            "Analysis Ready Data tile; only whole scenes of Collection 2 Level-2 are read.",
            "ARD 瓦片产品;目前只读取第二集合二级整景产品。",
        ),
        "unknown_sensor": (
            "sensor {detail} is not read here; known are {known}.",
            "传感器 {detail} 不在可读取之列;可读取 {known}。",
        ),
        "packed_archive": (
            "still packed; unpack it into a folder of its own.",
            "仍是压缩包;请先解压到单独的文件夹。",
        ),
        "not_landsat": (
            "{detail}: not named as part of a Landsat product.",
            "{detail}:文件名不属于任何 Landsat 产品。",
        ),
        "no_qa_pixel": (
            "without QA_PIXEL clouds cannot be told from ground.",
            "缺少 QA_PIXEL,无法区分云与地面。",
        ),
        "no_qa_radsat": (
            "without QA_RADSAT saturated pixels cannot be told.",
            "缺少 QA_RADSAT,无法识别饱和像元。",
        ),
        "missing_bands": ("missing {detail}.", "缺少波段 {detail}。"),
        "unreadable": (
            "{detail} cannot be read to its end; copy or download it again.",
            "{detail} 无法完整读取;请重新复制或下载。",
        ),
        "wrong_type": (
            "{detail} does not hold the 16-bit numbers of the product; it was converted.",
            "{detail} 不是产品的16位整数,已被转换过。",
        ),
        "no_crs": (
            "{detail} states no coordinate reference system.",
            "{detail} 未声明坐标参考系。",
        ),
        "grid_mismatch": (
            "{detail} is not on the north-up grid of the other bands.",
            "{detail} 与其他波段的网格不一致,或不是正北朝上。",
        ),
        "nothing_clear": (
            "nothing clear: cloud or fill everywhere.",
            "无晴空像元:全部为云或填充值。",
        ),
        "duplicate": (
            "the same scene as {detail}, which is kept.",
            "与 {detail} 为同一景,保留后者。",
        ),
        "impossible_date": ("{detail} is not a date.", "{detail} 不是有效日期。"),
    }
)
"""Code -> sentence in English and Chinese, with {detail} and {known} to be filled in."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A product that was found and is not measured.

    Attributes
    ----------
    path : str
        The product: folder and product id, or the file.
    code : str
        Key of `REASONS`.
    message, message_zh : str
        What is wrong, for people.
    """

    path: str
    code: str
    message: str
    message_zh: str

    def to_dict(self) -> dict[str, str]:
        """The fields, for JSON."""
        return asdict(self)


def refuse(path: str, code: str, *, detail: str = "", known: str = "") -> Refusal:
    """Refusal with its sentences filled in.

    Examples
    --------
    >>> refuse("LC08_x", "missing_bands", detail="SR_B5").message
    'LC08_x: missing SR_B5.'
    """
    english, chinese = REASONS[code]
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    return Refusal(
        path,
        code,
        f"{name}: {english.format(detail=detail, known=known)}",
        f"{name}:{chinese.format(detail=detail, known=known)}",
    )
