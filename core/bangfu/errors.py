"""What can be wrong with a request, in words that say what to do about it.

Three kinds of "no" are kept apart. A household that does not meet the plan gets a *determination* (see
``rules``). A request whose precondition is broken gets a :class:`Problem` with a code of :class:`Code`, a
path to the field, a message and a remedy in both languages; the request changes nothing. Anything else is a bug and an
ordinary exception. ``docs/problems.md`` lists every code; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bangfu.text import Text, printable


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of one code: what is wrong, and what to do."""

    message: Text
    remedy: Text


def _says(zh: str, en: str, remedy_zh: str, remedy_en: str) -> Saying:
    return Saying(Text(zh, en), Text(remedy_zh, remedy_en))


class Code(Enum):
    """Every way a request can be refused. The name is the code that clients see."""

    # Who and where
    TENANT_UNKNOWN = _says(
        "没有代码为 {tenant} 的县",
        "There is no county with the code {tenant}.",
        "请核对县代码,或先建立该县。",
        "Check the county code, or create the county first.",
    )
    TENANT_EXISTS = _says(
        "代码为 {tenant} 的县已经存在",
        "A county with the code {tenant} exists already.",
        "无需重复建立。",
        "There is nothing to create.",
    )
    OFFICER_UNKNOWN = _says(
        "没有工号为 {officer} 的工作人员",
        "There is no officer with the staff number {officer}.",
        "请核对工号,或先导入工作人员名册。",
        "Check the staff number, or import the staff roster first.",
    )
    PASS_ENDED = _says(
        "登录已失效",
        "What you got in with has ended.",
        "请重新登录;账号已停用的,请联系本县数据管理员。",
        "Log in again; if the account is disabled, ask the county's registrar.",
    )
    LOGIN_REFUSED = _says(
        "未能登录:县代码、工号、密码或动态验证码不正确,或账号已锁定",
        "Not logged in: the county, the staff number, the password or the code is wrong, or the account is locked.",
        "请核对后重试;连续失败会锁定账号一段时间,忘记密码的,请本县数据管理员发放新的激活码。",
        "Check them and try again; failures lock the account for a time. The registrar makes a new enrolment code.",
    )
    PASSWORD_WEAK = _says(
        "密码过于简单",
        "The password is too easily guessed.",
        "请用至少 {least} 个字符,不含工号、县代码、常见词语或连续、重复的字符。",
        "Use {least} characters or more, without staff number, county code, common words, runs or repetition.",
    )
    ENROLMENT_BAD = _says(
        "激活码无效:有误、已用过或已过期",
        "The enrolment code does not count: it is wrong, was used, or has expired.",
        "请核对县代码、工号和激活码,或请本县数据管理员发放新的激活码。",
        "Check the county, the staff number and the code, or ask the county's registrar for a new one.",
    )
    FACTOR_NEEDED = _says(
        "您的职责须用动态验证码登录",
        "Your duties need a second factor to log in.",
        "请用新的激活码重新设置密码,同时绑定动态验证码。",
        "Set the password with a new enrolment code, and the second factor with it.",
    )
    FACTOR_BAD = _says(
        "动态验证码不正确",
        "The code of the second factor is not right.",
        "请核对验证器的时间和密钥,填写当前显示的 6 位数字。",
        "Check the clock and the key of the authenticator, and enter the six digits it shows now.",
    )
    FORBIDDEN = _says(
        "您的职责不允许此项操作:{action}",
        "Your duties do not allow this: {action}.",
        "请由承担此项职责的人员办理:{duties}。",
        "Ask someone who holds one of these duties: {duties}.",
    )
    NOT_ALLOWED_HERE = _says(
        "本县规定,您的职责不得在“{programme}·{stage}”{action}",
        "By the county's own rules your duties do not allow this at {programme}, {stage}: {action}.",
        "请由以下职责人员办理:{duties};对规定有疑问的,请向县脱贫办查询原因。",
        "Ask someone who holds one of these duties: {duties}; the county office can say which rule it is.",
    )
    RULE_ABOVE_CEILING = _says(
        "平台不允许本县给予“{duty}”此项权限:{action}",
        "The platform does not let a county allow {duty} this: {action}.",
        "本县可以收回权限,只能增加平台开放的权限。",
        "A county may take away, and allow only what the platform lets it.",
    )
    RULE_BREAKS_EXPECTATION = _says(
        "此项规定违反平台的固定要求:{expected}",
        "This would break what holds in every county: {expected}.",
        "请改为不影响该要求的规定。",
        "Lay down a rule that leaves it as it is.",
    )
    RULE_PLACE = _says(
        "“{action}”只能按{expected}规定",
        "{action} can be ruled on for {expected} only.",
        "请去掉项目或环节后重新提交。",
        "Leave out the programme or the stage and send it again.",
    )
    NOT_FOUND = _says(
        "找不到:{what}",
        "Not found: {what}.",
        "请核对编号;不在您辖区内的内容不会显示。",
        "Check the number; what lies outside your area is not shown.",
    )
    CONFLICT = _says(
        "在您办理期间,其他人已改动此项",
        "Someone else changed this while you were working on it.",
        "请刷新后查看当前状态,再决定是否办理。",
        "Reload, look at the present state, and decide again.",
    )
    KEY_REUSED = _says(
        "幂等键已用于另一个请求",
        "This Idempotency-Key was used for another request.",
        "重发同一请求时用同一个键,新的请求换新的键。",
        "Send the same request with the same key, and another one with a new key.",
    )
    SAME_PERSON = _says(
        "此项须由与{other}不同的人员办理",
        "This must be done by someone other than {other}.",
        "请由另一名承担该职责的人员办理。",
        "Ask another officer who holds the duty.",
    )
    INCOMPATIBLE_DUTIES = _says(
        "{officer} 不能同时承担“{one}”和“{other}”:{because}",
        "{officer} cannot be charged with {one} and {other} at once: {because}.",
        "请由另一名人员承担其中一项,或使两项职责的起止日期不重叠。",
        "Charge somebody else with one of them, or let one end before the other begins.",
    )
    NOTHING_TO_STAND_IN_FOR = _says(
        "{other} 在代理期间并不一直承担该区域的“{duty}”",
        "{other} does not hold the duty {duty} there on all days of the standing in.",
        "代理的职责、区域和起止日期须在被代理人本人任职的范围之内。",
        "The duty, the area and the days must lie within what the other holds in his own right.",
    )
    LAST_REGISTRAR = _says(
        "此后本县将没有县数据管理员",
        "The county would be left without a registrar.",
        "请先安排另一名县数据管理员(代理不算),再办理此项。",
        "Charge another registrar first (a stand-in does not count), then do this.",
    )
    # Input
    BAD_VALUE = _says(
        "{field}的值“{value}”不正确:应为{expected}",
        "{field}: '{value}' is not right; expected {expected}.",
        "请更正后重新提交。",
        "Correct it and send it again.",
    )
    MISSING_VALUE = _says(
        "{field}不能为空",
        "{field} must not be empty.",
        "请补填后重新提交。",
        "Fill it in and send it again.",
    )
    BAD_DATE = _says(
        "“{value}”不是有效日期",
        "{value!r} is not a valid day.",
        "请按 2021-09-30 或 2021年9月30日 的形式填写。",
        "Write it like 2021-09-30 or 2021年9月30日.",
    )
    DAY_IN_FUTURE = _says(
        "日期 {day} 晚于今天 {today}",
        "{day} lies after today, {today}.",
        "请填写实际发生的日期。",
        "State the day on which it really happened.",
    )
    EVIDENCE_NEEDED = _says(
        "补录 {day} 的事项须注明凭据",
        "An act of an earlier day ({day}) needs its evidence.",
        "请注明纸质材料的编号或存放位置。",
        "State the number or place of the paper that shows it.",
    )
    REASON_NEEDED = _says(
        "此项须说明理由",
        "This needs a reason.",
        "请填写理由,至少两个字。",
        "State the reason, in two characters or more.",
    )
    TOO_MANY = _says(
        "您在 {hours} 小时内查看的完整号码已达上限 {limit} 个",
        "You have seen as many numbers in full as one may in {hours} hours: {limit}.",
        "请稍后再试;需要成批使用的,按职责导出名册并说明理由。",
        "Try again later; for many at once, export the list that your duty allows, with its reason.",
    )
    OBJECTIONS_TOO_MANY = _says(
        "此公示一小时内收到的网上异议已达上限 {limit} 件",
        "This notice has taken as many objections as it can within an hour: {limit}.",
        "请稍后再试,或向村民委员会、乡镇人民政府当面或来信反映。",
        "Try again later, or tell the village committee or the township government in person or by letter.",
    )
    # Workbooks
    FILE_TOO_LARGE = _says(
        "文件为 {size},超过上限 {limit}",
        "The file has {size}; the limit is {limit}.",
        "请拆分为多个文件分别导入。",
        "Split it and import the parts.",
    )
    FILE_UNREADABLE = _says(
        "无法读取该文件:{detail}",
        "The file cannot be read: {detail}.",
        "请另存为 .xlsx 或 .csv 后重试。",
        "Save it as .xlsx or .csv and try again.",
    )
    HEADER_NOT_FOUND = _says(
        "未能识别表头,缺少的列:{columns}",
        "The header row was not recognised; missing columns: {columns}.",
        "请核对表头,或指明“表中列名=字段”的对应关系,系统会记住。",
        "Check the header, or say which header is which field; the match will be remembered.",
    )
    HEADER_UNKNOWN = _says(
        "表中没有名为“{header}”的列,或没有字段“{column}”",
        "There is no column {header!r} in the sheet, or no field {column!r}.",
        "表中的列:{headers};可用的字段:{columns}。",
        "Columns of the sheet: {headers}; fields: {columns}.",
    )
    DIGITS_LOST = _says(
        "{field}被 Excel 存为数字,末几位已丢失",
        "{field} was stored by Excel as a number; its last digits are lost.",
        "请将该列设为文本格式,并从原件重新录入号码。",
        "Format the column as text and type the number again from the original.",
    )
    IDENTITY_CHECKSUM = _says(
        "身份证号 {masked} 校验码不符",
        "The identity number {masked} fails its checksum.",
        "请核对证件原件。",
        "Check it against the document.",
    )
    IDENTITY_BIRTH = _says(
        "身份证号 {masked} 中的出生日期无效",
        "The birth date in the identity number {masked} is not possible.",
        "请核对证件原件。",
        "Check it against the document.",
    )
    IDENTITY_FORM = _says(
        "证件号码应为 18 位(旧证 15 位)",
        "An identity number has 18 characters (15 on old cards).",
        "请核对证件原件。",
        "Check it against the document.",
    )
    IDENTITY_DISAGREES = _says(
        "{field}与身份证号不一致",
        "{field} disagrees with the identity number.",
        "请核对证件原件。",
        "Check it against the document.",
    )
    CREDIT_CODE = _says(
        "统一社会信用代码“{value}”不正确",
        "The unified social credit code {value!r} is not valid.",
        "请核对营业执照或登记证书。",
        "Check it against the registration certificate.",
    )
    DIVISION_UNKNOWN = _says(
        "没有行政区划“{value}”",
        "There is no division {value!r}.",
        "请核对乡镇、村名称或 12 位代码;名称不唯一时请填代码。",
        "Check the names or the 12-digit code; where a name is not unique, give the code.",
    )
    DIVISION_OUTSIDE = _says(
        "行政区划 {value} 不属于本县",
        "The division {value} does not belong to this county.",
        "请核对 12 位代码。",
        "Check the 12-digit code.",
    )
    HOUSEHOLD_UNKNOWN = _says(
        "没有户编号 {number}",
        "There is no household number {number}.",
        "请核对户编号,或先导入该户。",
        "Check the household number, or import the household first.",
    )
    HOUSEHOLD_DISAGREES = _says(
        "户编号 {number} 的{field}与第 {row} 行不一致",
        "{field} of household {number} disagrees with row {row}.",
        "同一户各行的户信息应一致,请更正。",
        "The rows of one household must agree; correct them.",
    )
    HEAD_COUNT = _says(
        "户编号 {number} 有 {count} 名户主,应有 1 名",
        "Household {number} has {count} heads; it must have one.",
        "请核对“与户主关系”。",
        "Check the relation to the head.",
    )
    NAMESAKES = _says(
        "该户已有多名同名成员,无法确定是哪一位",
        "The household has several members of this name; it is not clear who is meant.",
        "请填写证件号码。",
        "State the identity number.",
    )
    SUPERSEDED = _says(
        "该任务之后已有同类导入完成,继续执行会覆盖较新的内容",
        "A later import of this kind has been done; going on would write over what is newer.",
        "如仍需导入,请重新提交文件。",
        "If it is still wanted, import the file again.",
    )
    DUPLICATE_ROW = _says(
        "与第 {row} 行重复",
        "This repeats row {row}.",
        "请删除其中一行。",
        "Delete one of the two.",
    )
    PERSON_ELSEWHERE = _says(
        "证件号码 {masked} 已登记在户编号 {number} 名下",
        "The identity number {masked} is registered in household {number}.",
        "请先核实该人实际所在户。",
        "Find out first in which household the person lives.",
    )
    ROWS_REFUSED = _says(
        "{count} 行有问题,未导入任何内容",
        "{count} rows have problems; nothing was imported.",
        "请按返回文件最右一列更正后重新导入,或选择只导入无误的行。",
        "Correct them by the last column of the returned file and import again, or choose to import the good rows.",
    )
    # Programmes, provisions and periods
    PROGRAMME_UNKNOWN = _says(
        "没有项目 {programme}",
        "There is no programme {programme}.",
        "可用的项目:{known}。",
        "Programmes there are: {known}.",
    )
    PROGRAMME_OFF = _says(
        "本县未启用项目“{programme}”,或已停用",
        "The county does not run {programme}: it is not switched on, or suspended.",
        "请由县脱贫办启用该项目后再办理。",
        "The county's office switches it on.",
    )
    PERIOD_BAD = _says(
        "“{value}”不是有效的期间:应为{expected}",
        "{value!r} is not a period; expected {expected}.",
        "请更正期间。",
        "Correct the period.",
    )
    PERIOD_NOT_OPEN = _says(
        "“{programme}”{period} 年度尚未开启",
        "{programme} is not open for {period}.",
        "请先设置本年规定,再开启该年度。",
        "Set the provisions of the year, then open it.",
    )
    BOOK_MISSING = _says(
        "“{programme}”{since} 起的规则版本 {version} 未安装或已被改动",
        "The rule book of {programme} from {since} (version {version}) is not installed or has been changed.",
        "请安装当时发布的版本;已发布的规则不得改动。",
        "Install the version that was released then; a released book is never changed.",
    )
    PARAMETER_UNKNOWN = _says(
        "方案中没有参数“{parameter}”",
        "The plan has no parameter {parameter!r}.",
        "可用的参数:{known}。",
        "Parameters there are: {known}.",
    )
    PARAMETER_BAD_VALUE = _says(
        "参数“{parameter}”的值“{value}”不正确:{detail}",
        "{parameter}: '{value}' is not right: {detail}.",
        "请按该参数的单位和形式填写。",
        "Write it in the unit and form of the parameter.",
    )
    PARAMETER_LOCKED = _says(
        "参数“{parameter}”由《{document}》{clause}规定,县级不得变更",
        "{parameter} is fixed by {document}, {clause}; a county may not change it.",
        "请删除该项。",
        "Leave it out.",
    )
    PARAMETER_OUT_OF_RANGE = _says(
        "参数“{parameter}”的值 {value} 超出允许范围:{allowed}({document} {clause})",
        "{parameter}: {value} is outside what is allowed: {allowed} ({document}, {clause}).",
        "请改为允许范围内的值。",
        "Choose a value that is allowed.",
    )
    PARAMETER_UNSET = _says(
        "参数“{parameter}”在《{document}》{clause}中未载明或不在有效期内,本县须先设置",
        "{parameter} is not legible in {document}, {clause}, or not in force then; the county must set it first.",
        "请在本年规定中设置该参数;此前不进行任何计算。",
        "Set it in the provisions of the year; until then nothing is computed.",
    )
    BOOK_NOT_ADOPTABLE = _says(
        "规则版本“{book}”不能自“{since}”起采用",
        "The rule book {book} cannot be moved to from {since} on.",
        "每项写明 adopts(规则版本)、since(起始日)和 clause(条款);可采用的版本:{known}。",
        "Say adopts (which book), since (from which day) and clause; books that can be moved to: {known}.",
    )
    PROVISION_NOT_PREVIEWED = _says(
        "该规定对 {periods} 的影响尚未试算,或试算已不反映现状",
        "What these provisions come to in {periods} was not previewed, or not as things stand now.",
        "请先对上述期间试算,由发布人看过户数、金额和各乡镇的变化后再发布。",
        "Preview them in those periods first, so that whoever releases them knows households, yuan and townships.",
    )
    COUNTY_FILE_BAD = _says(
        "县配置文件有误:{detail}",
        "The county file is not right: {detail}.",
        "请按 docs/county-file.md 更正该处。",
        "Correct that place; docs/county-file.md says how it is written.",
    )
    COUNTY_FILE_CONFLICT = _says(
        "本县已发布文号为“{number}”而内容不同的规定",
        "The county has released provisions numbered {number} that say something else.",
        "已发布的规定不得改动:请以新的文号另行规定。",
        "What is released is never changed: lay it down anew under a number of its own.",
    )
    NUMBER_TAKEN = _says(
        "本县该项目已使用编号“{number}”",
        "The number {number} is taken in this programme of the county.",
        "请核对文号或协议编号;另行规定、另行签订的,使用新的编号。",
        "Check the number; what is laid down or agreed on anew has one of its own.",
    )
    PROVISION_STATE = _says(
        "该规定的状态为“{state}”,不能{action}",
        "These provisions are {state}; they cannot be {action}.",
        "请核对规定编号。",
        "Check which provisions are meant.",
    )
    CALENDAR_UNKNOWN = _says(
        "{year} 年的工作日历尚未公布或录入",
        "The working days of {year} are not published or entered yet.",
        "请录入国务院办公厅公布的放假安排后重试。",
        "Enter the State Council's calendar for the year and try again.",
    )
    FACT_OUT_OF_BOUNDS = _says(
        "“{fact}”的值 {value} 超出可计算范围({low} 至 {high})",
        "{fact}: {value} is outside the range that is computed ({low} to {high}).",
        "请核对数据。",
        "Check the data.",
    )
    STATED_NOT_ALLOWED = _says(
        "“{fact}”不由申请人填报",
        "{fact} is not stated by the applicant.",
        "可填报的内容:{known}。",
        "What may be stated: {known}.",
    )
    # The case
    ALREADY_CLAIMED = _says(
        "该对象 {period} 已有“{programme}”的申报",
        "There is a case of {programme} for {period} already.",
        "请查看已有的申报。",
        "Look at the case there is.",
    )
    WRONG_STAGE = _says(
        "当前环节为“{stage}”,不能办理“{act}”",
        "The case is at {stage}; {act} is not possible now.",
        "请按流程顺序办理。",
        "Follow the order of the stages.",
    )
    NOT_YOUR_DUTY = _says(
        "“{stage}”须由以下职责办理:{duties}",
        "{stage} is done by: {duties}.",
        "请由承担该职责、负责该村(户)的人员办理。",
        "Ask an officer who holds the duty for this village or household.",
    )
    DUTY_AMBIGUOUS = _says(
        "您兼有多项职责({duties}),须指明以哪一项签字",
        "You hold several of the duties ({duties}); say which one you sign in.",
        "请指明签字的职责。",
        "Name the duty.",
    )
    ALREADY_SIGNED = _says(
        "“{duty}”已经签字",
        "{duty} has signed already.",
        "无需重复签字。",
        "There is nothing left to sign.",
    )
    SAME_SIGNER = _says(
        "同一人不能以两项职责签同一份核算",
        "One person cannot sign the same verification in two duties.",
        "请由另一名人员签字。",
        "Another officer must sign.",
    )
    MAKER_VERIFIES_ALONE = _says(
        "制定计划的人不能是唯一的核实人",
        "Who made the plan cannot be its only verifier.",
        "请由其他人员以另一项职责签字核实。",
        "Somebody else must sign as well, in another duty than the plan was made in.",
    )
    NOT_INDEPENDENT = _says(
        "办理人不得是该村的{duty}",
        "Who does this must not be the {duty} of this village.",
        "请由该乡镇其他验收人员办理。",
        "Another acceptor of the township must do it.",
    )
    FACTS_CHANGED = _says(
        "核算之后该户的收入或登记信息有变动,原结果不能再签字",
        "The household's income or registration has changed since it was accounted; the result cannot be signed.",
        "请重新核算该户后再签字。",
        "Account the household again, then sign.",
    )
    BEFORE_INCOME = _says(
        "日期 {day} 早于核算所计入的最后一笔收入({last})",
        "{day} lies before the last income that was counted ({last}).",
        "请填写收入核算之后实际签字的日期。",
        "State the day on which the accounting was really signed.",
    )
    WHOLE_COUNTY_NEEDED = _says(
        "此项须由负责全县的人员办理和录入",
        "This is done and typed in by somebody whose area is the whole county.",
        "请由县级人员办理。",
        "Have an officer of the county do it.",
    )
    IN_BATCH = _says(
        "该户已列入拨付批次",
        "The household stands in a payment batch.",
        "批次未放行的,先取消批次再退回;已放行的,按资金追回程序办理。",
        "Cancel the batch first if it is not released; what is released is recovered by its own procedure.",
    )
    BEFORE_PREVIOUS_STEP = _says(
        "日期 {day} 早于上一环节的日期 {previous}",
        "{day} lies before the previous step, {previous}.",
        "请核对日期。",
        "Check the day.",
    )
    LATE_NEEDS_REASON = _says(
        "已超过截止日期 {deadline},须说明理由",
        "The deadline was {deadline}; being late needs a reason.",
        "请填写逾期原因。",
        "State the reason.",
    )
    DEADLINE_PASSED = _says(
        "已超过截止日期 {deadline},不能办理",
        "The deadline was {deadline}; this can no longer be done.",
        "请联系县级主管部门。",
        "Ask the county office.",
    )
    STAGE_NOT_OPEN = _says(
        "“{stage}”自 {opens} 起办理",
        "{stage} begins on {opens}.",
        "请在该日之后办理,或填写实际办理日期。",
        "Wait until then, or state the day on which it was done.",
    )
    STAGE_NEVER_OPEN = _says(
        "“{stage}”自 {opens} 起办理,却于 {deadline} 截止",
        "{stage} begins on {opens} and ends before that, on {deadline}.",
        "请将起始日改为不晚于截止日。",
        "Set a first day that does not come after the last.",
    )
    VILLAGE_KIND_UNKNOWN = _says(
        "未登记 {village} 是否为贫困村",
        "It is not registered whether {village} is a poor village.",
        "请在行政区划表中补填。",
        "Fill it in in the table of divisions.",
    )
    RECHECK_NEEDED = _says(
        "该生尚未登记复核结果",
        "Nobody has written down yet what has become of the student.",
        "请先登记复核结果,重新核算后再签字。",
        "Record the re-check, account the case, then sign.",
    )
    NOT_DETERMINED = _says(
        "该户尚未核算,或核算资料不全",
        "The household has no complete accounting yet.",
        "请先补齐资料并完成收入核算,再签字。",
        "Complete the facts and run the accounting, then sign.",
    )
    REFUSED_NO_MORE = _says(
        "按现在所知的情况,该案件在“{stage}”不再属于不符合条件",
        "By what is known now the case would not be refused at {stage}.",
        "请先重新核算该案件,由其继续办理;应补部分随下一期发放。",
        "Account the case again, so that it goes on; what is missing is paid with its next instalment.",
    )
    NOTICE_OPEN = _says(
        "公示至 {last_day} 止,次日({next_day})起方可办理",
        "The notice stands until {last_day}; the next step is possible from {next_day}.",
        "请在公示期满后办理。",
        "Wait until the notice has stood its time.",
    )
    NOTICE_NOT_OPEN = _says(
        "该户不在公示期内({first_day} 至 {last_day})",
        "The household is not on notice on that day ({first_day} to {last_day}).",
        "公示期以外的反映请按信访举报程序办理。",
        "Outside the notice, use the complaints procedure.",
    )
    OBJECTION_OPEN = _says(
        "该户有未处理的异议",
        "An objection against the household is open.",
        "请先核实并处理异议。",
        "Re-check and settle the objection first.",
    )
    SAMPLE_EMPTY = _says(
        "没有可供抽查的已验收户",
        "There is no accepted case to sample from.",
        "请在乡镇验收后抽查。",
        "Draw the sample after the townships have accepted.",
    )
    NOT_IN_SAMPLE = _says(
        "该户未被抽中,或已有抽查结论",
        "The case was not drawn, or has its result already.",
        "请核对抽查名单。",
        "Check the list of the sample.",
    )
    CASE_PAUSED = _says(
        "该户已于{day}暂停办理",
        "The case rests since {day}.",
        "请先恢复办理;暂停和恢复由乡镇经办或县脱贫办办理。",
        "Resume it first; the township clerk or the county office does.",
    )
    NOT_PAUSED = _says(
        "该户没有暂停办理",
        "The case does not rest.",
        "无需恢复。",
        "There is nothing to resume.",
    )
    MARKS_NEEDED = _says(
        "退回修改必须逐项写明哪里有误",
        "Sending back for correction needs each fact that is wrong, and what is wrong with it.",
        "请标出需要更正的项目并写明原因。",
        "Mark the facts to correct and say why.",
    )
    NOT_UNDOABLE = _says(
        "最近一步不能撤销",
        "What was done last cannot be taken back.",
        "已公示、已抽查或已核算的,请通过退回、异议或重新核算处理。",
        "What was posted, drawn or computed has its own way back: send back, object, or compute again.",
    )
    NOT_YOURS_TO_UNDO = _says(
        "最近一步由他人办理或录入",
        "What was done last was done and typed in by somebody else.",
        "请由办理人本人撤销,或按流程退回。",
        "Ask who did it, or send the case back.",
    )
    ANSWERS_OPEN = _says(
        "还有 {count} 户参与户没有签字答复或没有经联户干部核实",
        "{count} of the households that take part have not answered, or their cadre has not.",
        "请先登记每户的签字答复和联户干部的核实意见。",
        "Enter the answer of each household and of its linked cadre first.",
    )
    PARTICIPANTS_NEEDED = _says(
        "“{role}”必须逐户列出,且不能是申报户本身或重复",
        "{role}: name each household once, and not the applicant's own.",
        "请填写参与户的户编号。",
        "Enter the numbers of the households that take part.",
    )
    TAKEN_PART = _says(
        "{number} 在{span}已计入另一申报:“{title}”",
        "{number} counts for another case already ({title}, {span}).",
        "同一对象只能计入一次;请核对。",
        "Nobody counts twice; check who is meant.",
    )
    EXCLUDED = _says(
        "该对象在{span}已有“{programme}”的申报,不能同时申报:{why}",
        "There is a case of {programme} ({span}), which excludes this one: {why}.",
        "请核对应享受的项目;原申报撤回或不符合条件后可再申报。",
        "Check which programme it is to be; this one can be applied for once the other case is withdrawn or refused.",
    )
    QUOTA_EXCEEDED = _says(
        "{village}本期名额 {quota} 户(登记户 {base} 户),已评选 {selected} 户,本次又选 {more} 户",
        "{village} may select {quota} (of {base} registered households); {selected} are, {more} more were sent.",
        "请按名额减少评选户数。",
        "Select no more than the quota.",
    )
    VILLAGE_BY_VILLAGE = _says(
        "评选以村为单位,请一次只提交一个村",
        "The selection is made village by village; send one village at a time.",
        "请分村提交。",
        "Send each village by itself.",
    )
    FINDING_NEEDED = _says(
        "须写明核查发现的问题",
        "The finding must be stated.",
        "请填写核查结论。",
        "Write down what was found.",
    )
    # Money
    ACCOUNT_MISSING = _says(
        "该户没有一卡通账号",
        "The household has no bank account.",
        "请补录账号后再列入拨付。",
        "Enter the account, then include the household.",
    )
    NO_MEMBERS = _says(
        "户 {number} 在{day}没有登记的家庭成员",
        "Household {number} has no registered member on {day}.",
        "请核实该户情况;已并入他户或全户注销的,按终止程序办理。",
        "Check what became of it; if it joined another household or is gone, stop its case.",
    )
    NO_HEAD = _says(
        "户 {number} 在{day}没有登记户主(户主已故或已离户)",
        "Household {number} has no registered head on {day}; the head died or left.",
        "请先登记新的户主,并核对一卡通户名,再列入拨付。",
        "Register the new head, check whose account it is, then include the household.",
    )
    PERSON_DEAD = _says(
        "{number} 已登记死亡({day}),不列入拨付",
        "A death on {day} is on record of {number}, who is paid nothing.",
        "请终止该申报;死亡前应发未发的,由继承人依规定领取,不经本批次。",
        "Stop the case; what was due before the death goes to the heirs by the rules for that, not through a batch.",
    )
    BATCH_HOLDS_DEAD = _says(
        "批次中有已登记死亡的人员:{numbers}",
        "The batch holds persons whose death is on record: {numbers}.",
        "请作废本批次并重新汇总,已死亡的人员不会列入。",
        "Cancel the batch and make it again; whoever has died is left out.",
    )
    MONTH_NOT_DECIDED = _says(
        "{year}年{month}月尚未核定",
        "Month {month} of {year} has not been decided.",
        "请先办理该月核定,再汇总拨付。",
        "Decide the month first, then gather its payments.",
    )
    MONTH_NOT_BEGUN = _says(
        "{year}年{month}月的认定日({day})未到",
        "The day by which month {month} of {year} is decided ({day}) is to come.",
        "请在该日或以后办理。",
        "Decide it on that day or later.",
    )
    MONTH_NOT_OF_CASE = _says(
        "{year}年{month}月在{number}的起始月(按{opened}的申请确定)之前,该月不发放",
        "Month {month} of {year} comes before the first one that counts for {number}, who applied on {opened}: nothing "
        "is paid of it.",
        "请查询起始月及以后的月份。",
        "Ask for the first month that counts, or a later one.",
    )
    NOT_MONTHLY = _says(
        "“{programme}”不按月发放",
        "{programme} is not paid every month.",
        "请选择按月发放的项目。",
        "Choose a programme that is paid every month.",
    )
    BATCH_EMPTY = _says(
        "没有待拨付的户",
        "There is nothing to pay.",
        "请先完成验收和抽查;按月发放的,先核定月份。",
        "Finish acceptance and sampling first, or decide the month of what is paid every month.",
    )
    BATCH_TOTAL = _says(
        "批次合计与明细不符:{detail}",
        "The batch's totals do not agree with its lines: {detail}.",
        "请作废该批次后重新汇总,并查明原因。",
        "Cancel the batch, find out why, and make it again.",
    )
    BATCH_STATE = _says(
        "该批次的状态为“{state}”,不能{action}",
        "The batch is {state}; it cannot be {action}.",
        "请核对批次编号。",
        "Check which batch is meant.",
    )
    ACCOUNT_RETURNED = _says(
        "代发银行已退票({words}),此后账号未更正或确认",
        "The bank sent the last payment back ({words}), and nobody has corrected or confirmed the account since.",
        "请更正一卡通账号;账号无误的,重新登记一次以示确认,再列入拨付。",
        "Correct the account, or enter it once more if it is right; then include the household.",
    )
    BUDGET_NEEDED = _says(
        "须指明从哪一项预算指标支付",
        "State the budget line that it is paid from.",
        "请先录入并确认预算指标,再指明该指标。",
        "Enter and confirm a budget line first, then name it.",
    )
    BUDGET_OTHER = _says(
        "预算指标 {line} 不支付“{programme}”",
        "The budget line {line} does not pay {programme}.",
        "请选择可支付该项目的指标。",
        "Choose a line that pays it.",
    )
    BUDGET_UNCONFIRMED = _says(
        "预算指标 {line} 尚无经确认的资金",
        "No money on the budget line {line} is confirmed yet.",
        "请由财政部门确认该指标的资金明细。",
        "Have the finance bureau confirm an entry of the line.",
    )
    BUDGET_SHORT = _says(
        "预算指标 {line} 可用 {free},不能调减 {needed}",
        "{free} are free on the budget line {line}; {needed} cannot be taken off it.",
        "请减少调减金额,或先作废未放行的批次。",
        "Take off less, or cancel a batch that is not released.",
    )
    BUDGET_WAITS = _says(
        "预算指标 {line} 可用 {free},待拨共需 {needed};{count} 户按顺序等候",
        "{free} are free on the budget line {line}, {needed} are due; {count} payments wait in their order.",
        "请追加指标资金并经确认后再汇总;等候名单见待拨名单。",
        "Put more money on the line, have it confirmed, and gather again; the list says who waits.",
    )
    BUDGET_EXCEEDED = _says(
        "预算指标 {line} 为估算数,可用 {free},本批需 {needed},已超出",
        "The budget line {line} is an estimate: {free} are free on it, this batch takes {needed}.",
        "请按程序及时追加资金。",
        "Have the line topped up in due course.",
    )
    BUDGET_CODE_TAKEN = _says(
        "预算指标编号 {line} 已经使用",
        "There is a budget line {line} already.",
        "请核对编号;追加资金的,请在该指标下登记。",
        "Check the code; more money is an entry of the line.",
    )
    TEMPLATE_MISSING = _says(
        "发放渠道 {channel} 没有代发文件格式",
        "There is no bank template for {channel}.",
        "请先由县扶移局设置该渠道的文件格式。",
        "Have the fund manager lay down a template for the channel first.",
    )
    BANK_FILE_VALUE = _says(
        "户编号 {household} 的“{column}”含有代发文件不能容纳的字符:{characters}",
        "Household {household}: {column} holds what the bank's file cannot: {characters}.",
        "请更正该户信息,或改用其他分隔符。",
        "Correct it, or choose another separator in the template.",
    )
    ANSWER_UNKNOWN = _says(
        "代发结果“{value}”含义不明",
        "It is not known what the result {value!r} means.",
        "请向代发银行核实,并在文件格式中登记该代码;此行未计入。",
        "Ask the bank, and put the code into the template; the row was not counted.",
    )
    ANSWER_NOT_OURS = _says(
        "本批没有序号和账号(尾号 {masked})均相符的明细",
        "No payment of the batch has this number and this account ({masked}).",
        "请核对回盘文件是否属于本批次;此行未计入。",
        "Check that the file is of this batch; the row was not counted.",
    )
    ANSWER_AMOUNT = _says(
        "金额 {amount} 与拨付金额 {ours} 不符",
        "The amount {amount} is not what was paid, {ours}.",
        "请与代发银行对账;此行未计入。",
        "Clear it with the bank; the row was not counted.",
    )
    ANSWER_DIFFERS = _says(
        "该笔已登记为{earlier},本次却为{now}",
        "The payment is on record as {earlier}; this row says {now}.",
        "请与代发银行核实;确已退票的,凭书面材料登记退票。",
        "Clear it with the bank; a payment that did come back is recorded by hand with its paper.",
    )
    # The installation
    UNSAFE_DATABASE = _says(
        "数据库隔离不完整,拒绝运行:{detail}",
        "The walls of the database are not whole; Bangfu refuses to run: {detail}.",
        "请用属主账号执行 bangfu db migrate,并核对应用账号的权限。",
        "Run bangfu db migrate as the owner, and check the rights of the app's role.",
    )
    KEYRING_STATED = _says(
        "密钥环写在环境变量中,不能由程序更改",
        "The key ring stands in the environment itself, where nothing can change it.",
        "请将密钥环存入文件,并让 BANGFU_KEYRING 指明该文件,然后重试。",
        "Keep it in a file, let BANGFU_KEYRING name the file, and try again.",
    )
    REINDEXING = _says(
        "正在更换查找索引的密钥,或上次更换中断",
        "The key of the blind index is being renewed, or that was interrupted.",
        "请等待其结束;已中断的,停止所有服务后再运行 keyring reindex。",
        "Wait until it is done; if it was interrupted, stop every server and run keyring reindex again.",
    )
    STILL_RUNNING = _says(
        "另有 {count} 个连接正在使用数据库",
        "{count} other connections use the database.",
        "请先停止所有服务和后台任务进程。",
        "Stop every server and worker first.",
    )
    KEY_IN_USE = _says(
        "版本 {version} 的密钥仍在使用:{detail}",
        "The key of version {version} is still in use: {detail}.",
        "请先更换密钥并重新加密(keyring rotate、keyring reseal),再停用。",
        "Rotate and seal anew first (keyring rotate, keyring reseal), then retire it.",
    )
    KEYRING_MISSING = _says(
        "未设置密钥环(BANGFU_KEYRING)",
        "The key ring is not set (BANGFU_KEYRING).",
        "请按 docs/settings.md 生成并设置密钥环。",
        "Make one and set it as docs/settings.md says.",
    )
    ISSUER_MISSING = _says(
        "未设置签发令牌的密钥(BANGFU_ISSUER_KEY)",
        "The key that signs tokens is not set (BANGFU_ISSUER_KEY).",
        "请按 docs/settings.md 生成并设置。",
        "Make one and set it as docs/settings.md says.",
    )
    NO_DATABASE = _says(
        "没有可用的 PostgreSQL",
        "There is no PostgreSQL to use.",
        "请安装 bangfu[embedded],或设置 BANGFU_DATABASE_URL。",
        "Install bangfu[embedded], or set BANGFU_DATABASE_URL.",
    )

    # Pairings
    HELPER_REGISTERED = _says(
        "“{name}”已登记,待核验或已核验",
        "{name} is registered already, verified or to be.",
        "请查看已有的登记;未通过核验的可重新登记。",
        "Look at the registration there is; one that was refused may register again.",
    )
    HELPER_NOT_VERIFIED = _says(
        "“{name}”尚未通过“{programme}”的核验",
        "{name} is not verified to help in {programme}.",
        "请由县工商联核验后再办理。",
        "The county's federation of industry and commerce verifies it first.",
    )
    TERM_OUT_OF_RANGE = _says(
        "协议期限须为 {least} 至 {most} 年,即截止日在 {first} 至 {last} 之间({clause})",
        "An agreement lasts {least} to {most} years, so it ends from {first} to {last} ({clause}).",
        "请调整起止日期;县另有规定的,先发布本县规定。",
        "Change its days; where the county has another rule, release it first.",
    )
    AGREEMENT_STATE = _says(
        "帮扶协议现为“{state}”,不能办理“{act}”",
        "The agreement is {state}; {act} is not possible.",
        "请核对协议及其起止日期。",
        "Look at the agreement and its days.",
    )
    PAIRED_ALREADY = _says(
        "该企业与该村在此期间已有协议 {number}",
        "The two have an agreement for some of this time already: {number}.",
        "请先解除原协议,或改动起止日期。",
        "End that one first, or choose other days.",
    )
    RECEIPT_COUNTED = _says(
        "单据 {receipt} 已经计入过",
        "The receipt {receipt} has been counted already.",
        "同一笔投入只计一次;登记有误的,以更正原记录的方式更正。",
        "The same thing counts once; to mend an entry, correct the line that brought it.",
    )
    DELIVERY_STATE = _says(
        "该笔投入现为“{state}”,不能办理“{act}”",
        "The delivery is {state}; {act} is not possible.",
        "请按登记、确认、裁定的顺序办理。",
        "First it is logged, then answered by the village, then settled by the county.",
    )
    SIGNATORY_DISABLED = _says(
        "“{officer}”的账号已停用,不能以其名义办理",
        "{officer} is disabled: nothing is recorded in that officer's name.",
        "请由现任人员办理。",
        "Let whoever holds the duty now do it.",
    )
    NOMINATIONS_FULL = _says(
        "{year} 年典型村推荐名额 {most} 个已用完",
        "All {most} villages that may be nominated for {year} are.",
        "请先改动已有的推荐。",
        "Take a nomination back first.",
    )
    NOTHING_CONFIRMED = _says(
        "“{name}” {year} 年没有双方确认的帮扶投入,不能出具帮扶证书",
        "Nothing of what {name} delivered in {year} is confirmed by both sides; there is no certificate.",
        "请先由村确认;有异议的,由县裁定后再出具。",
        "The village confirms first; what is disputed is ruled on by the county.",
    )

    # Bases, and what is handed out
    BASE_REGISTERED = _says(
        "“{name}”已登记为基地,待确认或已确认",
        "{name} is registered as a base already, confirmed or to be.",
        "请查看已有的登记;级别有变的,先注销再登记。",
        "Look at the registration there is; where its level has changed, end that one first.",
    )
    INSPECTION_STATE = _says(
        "{what}现为“{state}”,不能办理“{act}”",
        "{what}: {state}; {act} is not possible.",
        "请按登记、确认、考核、复核、整改通知、整改、复查的顺序办理。",
        "A base is registered and confirmed, then assessed and agreed on, then notified, put right and re-checked.",
    )
    HANDOUT_OPEN = _says(
        "该{whom}已有同一内容“{item}”待发放",
        "The same is waiting to be handed out already: {item}, {whom}.",
        "同一需求只登记一次;有误的,以更正原记录的方式更正。",
        "The same need counts once; to mend an entry, correct its line.",
    )
    HANDOUT_STATE = _says(
        "该笔发放现为“{state}”,不能办理“{act}”",
        "The line is {state}; {act} is not possible.",
        "请按登记需求、列入名单、发放签收、回访的顺序办理。",
        "A need is stated, then listed, then handed over against a signature, then followed up.",
    )
    HANDOUT_NOT_COVERED = _says(
        "{number} 不符合“{kind}”的条件:{why}",
        "{number} is not covered by {kind}: {why}.",
        "请核对户类型和残疾人证登记。",
        "Check how the household stands in the register, and the certificates of disability.",
    )
    HANDOUT_LIMIT = _says(
        "“{title}”为 {most},已列入 {held},本次 {wanted},超出上限({clause})",
        "{title}: at most {most}; {held} are listed already and {wanted} are asked for ({clause}).",
        "请减少数量,或待县规定调整后再列入。",
        "List less, or wait until the county lays down another limit.",
    )
    STOCK_SHORT = _says(
        "批次 {voucher} 余 {left},不足 {wanted}",
        "Of the batch {voucher} {left} are left, fewer than {wanted}.",
        "请核对批次和数量,或先登记新的采购入库。",
        "Check the batch and the quantity, or enter what was bought since.",
    )

    def problem(self, *path: str | int, **values: object) -> Problem:
        """The problem of this code at a field, with the places of its texts filled."""
        shown = {name: printable(value) if isinstance(value, str) else value for name, value in values.items()}
        return Problem(self, path, shown)

    def refuse(self, *path: str | int, **values: object) -> Refused:
        """The exception that refuses the whole request with one problem of this code."""
        return Refused([self.problem(*path, **values)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request: its code, the path to the field, and what to do."""

    code: Code
    path: tuple[str | int, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> Text:
        """What is wrong."""
        return self.code.value.message.filled(**self.values)

    @property
    def remedy(self) -> Text:
        """What to do about it."""
        return self.code.value.remedy.filled(**self.values)

    def under(self, *steps: str | int) -> Problem:
        """The same of something that is a part of a larger whole."""
        return Problem(self.code, (*steps, *self.path), self.values)

    def __str__(self) -> str:
        where = ".".join(str(step) for step in self.path)
        return f"{self.code.name}{f' at {where}' if where else ''}: {self.message}"


class Refused(Exception):
    """A request is refused whole, with every problem that was found; nothing of it was carried out.

    The edge of a transaction (command line, API, job) catches it after rolling back and shows the problems.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("a refusal names at least one problem")
        super().__init__("; ".join(str(problem) for problem in self.problems))
