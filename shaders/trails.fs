/*{
  "DESCRIPTION": "Trails that leave the body warm and turn cold as they age.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Time", "Feedback"],
  "DANCENET": {"PLACE": 60},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "dancers", "TYPE": "image", "LABEL": "Bodies that leave trails"},
    {"NAME": "seconds", "TYPE": "float", "LABEL": "How long a trail lasts, seconds", "MIN": 0.1, "MAX": 6.0, "DEFAULT": 1.8},
    {"NAME": "glow", "TYPE": "float", "LABEL": "How bright the trails are", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.85},
    {"NAME": "drift", "TYPE": "point2D", "LABEL": "Where trails drift, heights a second", "MIN": [-0.5, -0.5], "MAX": [0.5, 0.5], "DEFAULT": [0.0, 0.05]},
    {"NAME": "waver", "TYPE": "float", "LABEL": "How much they waver like hot air", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.35},
    {"NAME": "body", "TYPE": "float", "LABEL": "How much of the body itself is seen", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "age", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH/$HEIGHT*(30700.0+0.0448*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((30700.0+0.0448*$HEIGHT*$HEIGHT)^0.5)"},
    {"TARGET": "light", "WIDTH": "floor($WIDTH/$HEIGHT*(30700.0+0.0448*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((30700.0+0.0448*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

// The buffer holds what is left of each place's life: 1 where a body is, 0 where none has been for `seconds`.

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

// Bone, amber, ember, rose, violet, then night.
vec3 ramp(float life) {
    vec3 colour = mix(vec3(0.03, 0.03, 0.09), vec3(0.30, 0.22, 0.72), smoothstep(0.0, 0.28, life));
    colour = mix(colour, vec3(0.84, 0.27, 0.44), smoothstep(0.22, 0.52, life));
    colour = mix(colour, vec3(1.00, 0.35, 0.21), smoothstep(0.45, 0.70, life));
    colour = mix(colour, vec3(1.00, 0.70, 0.28), smoothstep(0.66, 0.88, life));
    return mix(colour, vec3(0.95, 0.92, 0.85), smoothstep(0.88, 1.0, life));
}

void main() {
    float dt = clamp(TIMEDELTA, 0.0, 0.1);
    vec2 p = isf_FragNormCoord;
    if (PASSINDEX == 0) {
        // The phase of the wavering, a turn in 40 s: TIME itself grows too coarse within days.
        gl_FragColor = vec4(fract(IMG_NORM_PIXEL(clock, vec2(0.5)).r + dt / 40.0));
        return;
    }
    if (PASSINDEX == 1) {
        float aspect = RENDERSIZE.x / RENDERSIZE.y;
        float turn = 6.2831853 * IMG_NORM_PIXEL(clock, vec2(0.5)).r;
        vec2 q = vec2(p.x * aspect, p.y);
        vec2 flow = vec2(sin(q.y * 17.0 - 6.0 * turn + 2.0 * sin(q.x * 7.0 + 2.0 * turn)),
                         cos(q.x * 19.0 + 5.0 * turn + 2.0 * sin(q.y * 6.0 - 3.0 * turn)));
        vec2 from = p - (drift + 0.12 * waver * flow) * dt / vec2(aspect, 1.0);
        vec2 d = vec2(0.75) / RENDERSIZE;
        float life = 0.25 * (IMG_NORM_PIXEL(age, from + d).r + IMG_NORM_PIXEL(age, from - d).r
                   + IMG_NORM_PIXEL(age, from + vec2(d.x, -d.y)).r + IMG_NORM_PIXEL(age, from + vec2(-d.x, d.y)).r);
        life = max(life - dt / seconds, luma(IMG_NORM_PIXEL(dancers, p).rgb));
        gl_FragColor = vec4(max(life, 0.0));
        return;
    }
    float grain = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) - 0.5;
    if (PASSINDEX == 2) {
        float life = IMG_NORM_PIXEL(age, p).r;
        gl_FragColor = vec4(ramp(life) * glow * life + grain / 255.0, glow * life);
        return;
    }
    vec4 picture = IMG_THIS_PIXEL(inputImage);
    vec4 bodies = IMG_THIS_PIXEL(dancers);
    float body_here = min(bodies.a, 2.0 * luma(bodies.rgb));
    vec4 trail = IMG_NORM_PIXEL(light, p) * (1.0 - body_here);
    vec3 under = picture.rgb * (1.0 - body_here * (1.0 - body));
    gl_FragColor = vec4(under + trail.rgb * (1.0 - under) + grain / 255.0 * trail.a, max(picture.a, trail.a));
}
