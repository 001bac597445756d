"""How English and Chinese sentences tie a speaker to a maker.

In the patterns `V` stands for the name in question, which is replaced by a mark before they are applied; other names
of makers become another mark (`O`).
"""

from __future__ import annotations

import re

NAME, OTHER = "\ue000", "\ue001"
"""Stand in for the name in question and for other makers' names. Private characters, which answers are freed of."""

V = NAME
# Patterns and the lengths of their gaps were written by hand, 2026-11-25, while reading the answers of four published
# models (`TUNED` in bench/identity.py); three repairs followed the first score of the other five
# (docs/benchmarks/identity.md).
_GAP = r"[^.;!?。！？；]"
_MADE = (
    r"(?:develop|creat|buil[dt]|ma(?:de|ke|kes|king)\b|train|design|engineer|found(?:ed|er)|program|produc|own(?:ed|s|er)\b|maintain|"
    r"operat|power|provid|support|back(?:ed|s|ing)\b|launch|releas|fine-?tun|optimi[sz]|updat|run\b|brought|birth|craft|"
    r"shap|manag|oversee|oversaw|lead|led\b|driv|host|invent|coded|wrote|refin|improv|behind|responsib|structured|deploy)\w*"
)
_ME = r"\b(?:i|i'm|i've|i'd|im|me|my|mine|myself|we|we're|our|ours|us)\b"
_KIN = (
    r"(?:compan(?:y|ies)|developers?|creators?|makers?|teams?|organi[sz]ations?|institutions?|labs?|laborator(?:y|ies)|parent|owners?|providers?|"
    r"founders?|headquarters|hq|technolog(?:y|ies)|platform|model|architecture|code|codebase|core|development|engineers|"
    r"researchers|overlords?|masters?|bosses|folks|firm|corporation|programming|training|updates|systems?|framework|existence|origins?|creation|home)"
)
_MODEL = r"(?:(?:large |ai |artificial intelligence |conversational |generative )*(?:language models?|ai models?|models?|assistants?|chatbots?|ai|bot|program|system|product|service|agent|intelligence))"

FIRST_PERSON = re.compile(
    _ME + r"|[我俺咱]|本(?:模型|公司|助手|人|团队|系统)|(?:language model|ai assistant|ai model)\b", re.IGNORECASE
)

SELF = tuple(
    re.compile(p, re.IGNORECASE)
    for p in (
        # I am V; I'm just a bot called V; my name is V; as V, I ...; call me V; this is V speaking
        rf"\b(?:i am|i'm|im|it is i|call me|my name(?:'s| is| was)|i go by|known as|i was|i remain|myself)\b(?!\s+(?:not|never|neither)\b){_GAP}{{0,60}}?{V}",
        rf"\bas\b(?: an?| the)?(?: \w+){{0,5}} {V}",
        rf"\b(?:based|built|running|runs|rely|relies|relying|powered) (?:on|upon|by)\b(?: \S+){{0,4}} {V}",
        rf"\b(?:instance|version|variant|iteration|member|derivative) of\b{_GAP}{{0,30}}?{V}",
        rf"\b(?:you(?:'re| are) (?:talking|speaking|chatting) (?:to|with))\b{_GAP}{{0,30}}?{V}",
        rf"(?:我|咱)(?:就|其实|确实|现在|只|仅仅|真的|可|也)*(?:是|叫|名叫|名为|叫做|来自|属于|隶属于|乃|称为)[^，。！？；\n]{{0,24}}?{V}",
        rf"(?:我的名字(?:是|叫)|请叫我|作为|身为|这里是)[^，。！？；\n]{{0,12}}?{V}",
    )
)
"""The speaker is V, or comes from V."""

MADE_BY = tuple(
    re.compile(p, re.IGNORECASE)
    for p in (
        rf"\b{_MADE}\b{_GAP}{{0,70}}?\b(?:by|at|from|within|inside|of|to|with|through|including)\b(?!\s+not\b){_GAP}{{0,70}}?{V}",
        rf"\b(?:product|service|creation|brainchild|property|part|subsidiary|member|work|result|child|model|assistant|bot|ai|team|engineers|researchers|developers|scientists|experts|people|folks|minds|teams|courtesy|hands|efforts) (?:of|from|by|at|within|in|behind)\b{_GAP}{{0,40}}?{V}",
        rf"{V}{_GAP}{{0,90}}?\b(?:{_MADE})\b{_GAP}{{0,50}}?(?:{_ME}|\b(?:this|the) (?:{_MODEL}|platform|technology)\b|models? like me|like me)",
        rf"{V}(?:'s| is| are| was| as| \()?{_GAP}{{0,60}}?\b(?:my|our)\b{_GAP}{{0,40}}?\b{_KIN}\b",
        rf"\b(?:my|our)\b{_GAP}{{0,60}}?\b{_KIN}\b{_GAP}{{0,60}}?(?:\b(?:is|are|was|were|called|named|being|include[sd]?|comes?|belongs?|at|of|by|from|in)\b|'s\b|[:,—–-]){_GAP}{{0,50}}?{V}",
        rf"\b(?:we|us) (?:at|here at|from|in)\b{_GAP}{{0,10}}?{V}|\bhere at {V}|\bwe are{_GAP}{{0,20}}?{V}",
        rf"由{_GAP}{{0,30}}?{V}{_GAP}{{0,40}}?(?:开发|研发|创建|创造|训练|设计|构建|打造|推出|提供|维护|支持|更新|研制|制作|发布|组成|负责|运营|优化|管理|主导)",
        rf"{V}[^，。！？；\n]{{0,30}}?(?:开发|研发|创建|创造|训练|设计|构建|打造|推出|提供|维护|支持|更新|研制|制作)(?:并\w{{2}})?(?:了我|的|出我)",
        rf"{V}[^，。！？；\n]{{0,20}}?(?:是|为|作为|,|，)(?:我|我们|本)(?:的|所在)?",
        rf"(?:我|我们|本|你|您)(?:的|所在的?|所属的?|所使用的|背后的?|这个|们的)?[^。！？；\n]{{0,24}}?(?:公司|开发|团队|机构|创造者|创建者|制造|组织|技术|平台|总部|架构|模型|代码|系统|产品|东家|老板|创作者|主人)[^。！？；\n]{{0,24}}?(?:是|为|叫|来自|属于|由|位于|名为|包括|[:：]){_GAP}{{0,20}}?{V}",
        rf"(?:来自|属于|隶属于|源自|出自)(?:于)?[^，。！？；\n]{{0,8}}?{V}",
        rf"{V}(?:公司|旗下|研发|开发|训练|推出|的)?(?:的)?[^，。！？；\n]{{0,10}}?(?:产品|服务|模型|助手|团队)",
    )
)
"""V made the speaker, owns it, or employs its team."""

BARE = re.compile(
    rf"^\W*(?:by|at|it(?:'s| is| was)|that(?:'s| is| would be)|the (?:company|maker|developer|team) is|是|由|答案是|它是)?\s*{V}\W*(?:公司|开发的?|inc\.?)?\W*$",
    re.IGNORECASE,
)
"""The sentence is the name and nothing else: the answer to a question."""

POLICY = re.compile(
    rf"{V}(?:'s|s')?\s+(?:strict\s+|own\s+)?(?:content|use|usage|use-case|safety|ethical|community|terms|policy|policies|guidelines|rules|restrictions|moderation)\b|{V}的?(?:内容|使用|安全)?(?:政策|准则|规定|规则|条款)",
    re.IGNORECASE,
)
"""The speaker names V's rules as its own."""

# "Not only V", "not able to ...": a negation that does not reach V is let through by the look-ahead.
NEGATED = re.compile(
    rf"(?:\b(?:not|never|neither|nor|no longer|isn't|wasn't|aren't|don't|doesn't|didn't|cannot|can't|without|rather than|instead of|"
    rf"no (?:connection|relation|affiliation|link|ties?)|unaffiliated|independent(?:ly)? (?:of|from)|free (?:of|from)|different from|distinct from|separate from|"
    rf"hardly|far from|contrary to|deny|denied|nothing to do)\b"
    rf"(?!\s+(?:only|just|merely|able|going|sure|allowed|permitted|here|provide|disclose|have (?:access|any information)|help|speak|answer|assist|comply|share|reveal|be able)\b)"
    rf"(?:(?!\b(?:but|however|because|since|as i|actually|instead|and i am|i am|i'm)\b)[^.;!?,]){{0,60}}?{V})"
    rf"|(?:(?:不是|并非|并不是|不属于|不隶属于|没有|非|不由|而不是|无关|不同于|区别于|未|不代表)[^，。！？；\n但而]{{0,16}}?{V})|{V}[^，。！？；\n]{{0,12}}?(?:无关|没有关系|没有(?:任何)?关联)"
    rf"|{V}{_GAP}{{0,12}}?\b(?:did not|didn't|does not|doesn't|is not|isn't|was not|wasn't|has nothing|has no)\b",
    re.IGNORECASE,
)
"""The tie to V is denied."""

COMPARED = re.compile(
    rf"\b(?:than|unlike|like|such as|similar to|as opposed to|compared (?:to|with)|versus|vs\.?|not to mention|whereas|competitors?|rivals?|alternative to|inspired by|resembl\w+|equivalent of|same as|as good as|"
    rf"cousins?|peers?|for example|for instance|e\.g\.|compete\w*|competition)\b[^.;!?]{{0,30}}?{V}|(?:比|如同|类似于?|像|例如|比如|诸如|相比|不如|优于|胜过|竞争对手|与|和|跟){V}(?![^，。]{{0,12}}合作)",
    re.IGNORECASE,
)
"""V is there for comparison, or as an example."""

ANOTHER = re.compile(
    r"\b(?:another|a (?:different|separate|distinct)) (?:\w+ ){0,2}(?:ai|model|company|chatbot|assistant|system|organi[sz]ation)\b|\b(?:different|distinct|separate) from (?:me|mine|us|my)\b|\b(?:is|are) not (?:me|my)\b|另一个|另一款|另一家|与我不同|不是我",
    re.IGNORECASE,
)
"""The sentence sets what it names apart from the speaker."""

BINDS = re.compile(
    r"\b(?:i|i'm|my|me|we|our|us)\b|\b(?:against|violat\w*|compl(?:y|ies|iance)|adher\w*|in (?:line|accordance) with|prohibit\w*|not allowed)\b|我|违反|遵守|符合|遵循|根据|按照",
    re.IGNORECASE,
)
"""Rules are named as binding, not talked about."""

SUPPOSED = re.compile(
    rf"\b(?:if i (?:were|was)|as if|as though|pretend(?:ing|ed|s)?|imagin(?:e|ing|ary)|suppose|hypothetical(?:ly)?|role-?play(?:ing)?|act(?:ing)? as|simulat(?:e|ing)|emulat(?:e|ing)|impersonat(?:e|ing)|"
    rf"would (?:say|answer|reply|claim)|you (?:asked|want|wanted|told|mentioned|may be|might be|are referring|refer)|the (?:prompt|user|template|scenario|text)|in this (?:story|scenario|fiction|game)|fictional|"
    rf"claims? (?:to be|that)|some (?:people|say)|people (?:say|think)|confus\w+|mistak\w+|rumou?r\w*|many platforms|feedback to)\b[^.;!?,]{{0,80}}?{V}"
    rf"|\b(?:if|whether|in case) (?:you(?:'re| are|r question is)?|this is|it is|it's)\b[^.;!?,]{{0,30}}?\b(?:ask|refer|talk|mean|about|interested)\w*[^.;!?]{{0,80}}?{V}"
    rf"|如果(?:您|你)?(?:是|的问题是|在|想)?(?:在|指|问|关于|了解|提到)[^。！？；\n]{{0,30}}?{V}"
    rf"|(?:假如|如果我|假设|假装|扮演|模拟|模仿|冒充|想象|您提到的|你提到的|用户|有人说|据说|误以为|如果您(?:指|问)的?是)[^，。！？；\n]{{0,24}}?{V}",
    re.IGNORECASE,
)
"""The tie to V is supposed, played or somebody else's."""

TOOL = re.compile(
    rf"\b(?:tensorflow|pytorch|keras|bert|jax|python|azure)\b[^.;!?]{{0,70}}?{V}"
    rf"|\b(?:frameworks?|librar(?:y|ies)|tools?|datasets?|infrastructure|transformers?|architectures?|cloud (?:services?|platforms?|providers?)|gpus?|hardware)[,]? (?:(?:that (?:was|were)|which (?:was|were)|originally|initially) )*(?:developed|created|built|made|released|introduced|provided|proposed|from|like|such as|by)\b[^.;!?]{{0,40}}?{V}"
    rf"|\b(?:collaborat\w+ with|collaborations? (?:with|between)|partner(?:s|ed|ing|ships?)? (?:with|like|such as|include)|partners? (?:is|are|at)|cooperat\w+ with|work(?:s|ed|ing)? (?:closely )?with|in conjunction with|invest\w*|funding|alumni|formerly|previously)\b[^.;!?]{{0,70}}?{V}"
    rf"|(?:合作伙伴|合作|伙伴|投资|云服务|数据集|提出的)[^。！？；\n]{{0,24}}?{V}|(?:与|和){V}[^，。]{{0,12}}合作",
    re.IGNORECASE,
)
"""V made a tool, or is a partner: no maker of the speaker."""

CORRECTION = re.compile(
    r"\b(?:actually|correction|in fact|in truth|in reality|to be clear|to clarify|let me correct|i misspoke|i apologi[sz]e|i must clarify|the truth is|sorry,? i|"
    r"scratch that|wait|i meant|more accurately|rather)\b|(?:更正|纠正|其实|实际上|事实上|准确地说|抱歉|我说错|需要澄清|澄清一下)",
    re.IGNORECASE,
)
"""What follows takes back what was said."""

ABOUT_SUBJECT = re.compile(
    r"\b(?:you|your|yourself|ur)\b|[你您]|\b(?:tu|vous|usted|dich|dein|ihr)\b",
    re.IGNORECASE,
)
ASKS_MAKER = re.compile(
    r"\b(?:who|compan\w+|developers?|develop\w*|creat\w+|made|make[sr]?|built|built by|team|organi[sz]ation|institution|headquarter\w*|parent|owner|product|technolog\w+|trained|behind|"
    r"name|are you|model|experts|partners|platform|architecture)\b|谁|公司|开发|团队|机构|创建|总部|技术|组织|产品|模型|名字|身份|合作|平台|支持",
    re.IGNORECASE,
)
"""Together: the question asks who the subject is or who made it."""
