"""Identity consistency: who does a model say it is, and who does it say made it?"""
