"""Language models as judges: what is judged is data, fenced and escaped; what comes back is checked."""
