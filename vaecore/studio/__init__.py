"""The studio: the verbs of a command as a page in the browser, an HTTP API, and an OSC port.

    command     `seqvae studio`: its options, its socket, starting and stopping
    app         the HTTP routes
    answers     files, numbers and errors as HTTP answers
    guard       which requests are refused, and how large one may be
    verbs       a verb of the command line, run on files that were sent
    served      its job, which uses loaded models and keeps its report
    pool        threads, and the queue before them
    models      models that are loaded once, and decoding in batches for several requests
    live        a point between inputs, decoded while a visitor moves it
    cache       files and examples that stay in memory
    requests    the JSON bodies of requests
    blend       the paths between corners
    stage       what a domain brings: its front end, and how its examples are drawn
    page        the front end's page, script and style sheet
    describe    the OpenAPI description, and its page
    osc         blends and samples over Open Sound Control

Nothing is written but temporary files, which are deleted when a request is answered. `--help`
imports `command` alone.
"""
