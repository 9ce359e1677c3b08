/*{
  "DESCRIPTION": "Copies of the dancer fly away into the depth, or come out of it, turning as they go.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Feedback"],
  "DANCENET": {"PLACE": 60},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "dancers", "TYPE": "image", "LABEL": "Bodies that fly"},
    {"NAME": "fly", "TYPE": "float", "LABEL": "How fast copies grow towards us, or shrink away", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.35},
    {"NAME": "twist", "TYPE": "float", "LABEL": "How they turn, turns a minute", "MIN": -10.0, "MAX": 10.0, "DEFAULT": 1.0},
    {"NAME": "every", "TYPE": "float", "LABEL": "From copy to copy, seconds", "MIN": 0.1, "MAX": 2.0, "DEFAULT": 0.5},
    {"NAME": "seconds", "TYPE": "float", "LABEL": "How long a copy is seen, seconds", "MIN": 0.3, "MAX": 8.0, "DEFAULT": 2.8},
    {"NAME": "send", "TYPE": "event", "LABEL": "Send a copy now"},
    {"NAME": "body", "TYPE": "float", "LABEL": "How much of the body itself is seen", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 1.0}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "flight", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH/$HEIGHT*(69100.0+0.1008*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((69100.0+0.1008*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

// The buffer holds outlines that age: red is how much life is left, green how much of an outline there is.

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

vec3 ramp(float life) {
    vec3 colour = mix(vec3(0.05, 0.05, 0.16), vec3(0.36, 0.27, 0.78), smoothstep(0.0, 0.30, life));
    colour = mix(colour, vec3(0.84, 0.27, 0.44), smoothstep(0.25, 0.55, life));
    colour = mix(colour, vec3(1.00, 0.35, 0.21), smoothstep(0.50, 0.75, life));
    return mix(colour, vec3(1.00, 0.70, 0.28), smoothstep(0.75, 1.0, life));
}

void main() {
    vec2 p = isf_FragNormCoord;
    float dt = clamp(TIMEDELTA, 0.0, 0.1);
    if (PASSINDEX == 0) {
        float now = IMG_NORM_PIXEL(clock, vec2(0.5)).r + dt / every;
        gl_FragColor = vec4(fract(now), now >= 1.0 || send ? 1.0 : 0.0, 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 1) {
        vec2 shape = vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
        vec2 middle = vec2(0.5, 0.47);
        vec2 q = (p - middle) * shape;
        float spin = 0.10471976 * twist * dt;
        q = mat2(cos(spin), -sin(spin), sin(spin), cos(spin)) * q * exp(-fly * dt);
        vec2 from = q / shape + middle;
        vec2 kept = IMG_NORM_PIXEL(flight, from).rg;
        float inside = step(0.0, from.x) * step(from.x, 1.0) * step(0.0, from.y) * step(from.y, 1.0);
        kept.r = max(kept.r - dt / seconds, 0.0);
        kept.g *= inside * step(0.001, kept.r);
        // A copy is the light at the body's rim: bright where the coverage falls off, faint within.
        vec2 d = vec2(0.0065) / shape;
        float here = luma(IMG_NORM_PIXEL(dancers, p).rgb);
        float around = 0.25 * (luma(IMG_NORM_PIXEL(dancers, p + vec2(d.x, 0.0)).rgb) + luma(IMG_NORM_PIXEL(dancers, p - vec2(d.x, 0.0)).rgb)
                             + luma(IMG_NORM_PIXEL(dancers, p + vec2(0.0, d.y)).rgb) + luma(IMG_NORM_PIXEL(dancers, p - vec2(0.0, d.y)).rgb));
        float sent = IMG_NORM_PIXEL(clock, vec2(0.5)).g * here * (0.10 + 0.9 * min(1.0, 2.0 * (1.0 - around)));
        if (sent > 0.02) kept = mix(kept, vec2(1.0, max(sent, 0.5 * kept.g)), here);
        gl_FragColor = vec4(kept, 0.0, 1.0);
        return;
    }
    vec4 picture = IMG_THIS_PIXEL(inputImage);
    vec4 bodies = IMG_THIS_PIXEL(dancers);
    float body_here = min(bodies.a, 2.0 * luma(bodies.rgb));
    vec2 copy = IMG_NORM_PIXEL(flight, p).rg;
    vec3 light = ramp(copy.r) * (copy.g * smoothstep(0.0, 0.35, copy.r) * (1.0 - body_here));
    vec3 under = picture.rgb * (1.0 - body_here * (1.0 - body));
    gl_FragColor = vec4(under + light * (1.0 - under), max(picture.a, max(light.r, max(light.g, light.b))));
}
