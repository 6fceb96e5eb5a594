"""Training of a reader of spans: examples, network, loop, measurement and export. The product runs what comes out (``assistant.spans``).

    python -m assistant.training.train    --data DIR --weights DIR --out DIR
    python -m assistant.training.evaluate --data DIR --weights DIR --reader FILE
    python -m assistant.training.export   --data DIR --weights DIR --reader FILE --out DIR

``--weights`` is the folder that ``python -m index.models.build --fp32 DIR`` writes; ``--data`` holds passages and questions
as JSON Lines (``data.read_material``). Export needs the extra ``build-model``.
"""
